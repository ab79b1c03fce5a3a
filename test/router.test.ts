import assert from 'node:assert/strict';
import test from 'node:test';
import { compileRoutes } from '../lib/router.ts';

const router = compileRoutes([
  { method: 'GET', path: '/a', handler: 'get a' },
  { method: 'POST', path: '/a', handler: 'post a' },
  { method: 'GET', path: '/a/*', handler: 'get below a' },
  { method: 'POST', path: '/o/v1/*', handler: 'post below o/v1' },
  { method: 'POST', path: '/o/*', handler: 'post below o' },
  { method: 'GET', path: '/o/models', handler: 'models' },
]);

for (const { name, method, url, want } of [
  { name: 'exact', method: 'GET', url: '/a', want: { handler: 'get a', rest: '' } },
  { name: 'by method', method: 'POST', url: '/a', want: { handler: 'post a', rest: '' } },
  { name: 'HEAD is GET', method: 'HEAD', url: '/a', want: { handler: 'get a', rest: '' } },
  { name: 'any query', method: 'GET', url: '/a?x=/b', want: { handler: 'get a', rest: '' } },
  { name: 'rest', method: 'GET', url: '/a/b/c?q', want: { handler: 'get below a', rest: 'b/c' } },
  {
    name: 'first prefix wins',
    method: 'POST',
    url: '/o/v1/x',
    want: { handler: 'post below o/v1', rest: 'x' },
  },
  { name: 'a prefix needs more', method: 'GET', url: '/a/', want: { allow: '' } },
  { name: 'unknown', method: 'GET', url: '/b', want: { allow: '' } },
  { name: 'wrong method', method: 'PUT', url: '/a', want: { allow: 'GET, HEAD, POST' } },
  { name: 'wrong method below', method: 'GET', url: '/o/x', want: { allow: 'POST' } },
  { name: 'exact before prefix', method: 'POST', url: '/o/models', want: { allow: 'GET, HEAD' } },
  { name: 'no decoding', method: 'GET', url: '/%61', want: { allow: '' } },
  { name: 'no dot segments', method: 'GET', url: '/x/../a', want: { allow: '' } },
]) {
  test(`router: ${name}`, () => assert.deepEqual(router.find(method, url), want));
}
