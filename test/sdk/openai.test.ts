/** The OpenAI SDK in one process: to import it takes longer than most of these tests. */
import './openai-chat.ts';
import './openai-errors.ts';
