# Everything that is done to this project. `make` or `make help` lists it.

SHELL = /bin/sh
BIN = node_modules/.bin
INSTALLED = node_modules/.package-lock.json
BUILT = dist/.built
TESTS = test
LIB := $(shell find lib -type d -o -name '*.ts')

# Where install-service puts things; DESTDIR goes in front of each, for packagers.
DESTDIR =
PREFIX = /usr/local/lib/cooldown-proxy
BINDIR = /usr/local/bin
CONFDIR = /etc/cooldown-proxy
UNITDIR = /etc/systemd/system

.PHONY: help chaos soak build run test check test-matrix tests types lint fmt bench load profile fuzz e2e pack \
	clean install-service node

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

## Building and running

build: cooldown-proxy ## install what is missing, compile to dist/, link ./cooldown-proxy

run: build ## start the proxy; the demo when there is neither a configuration nor a key
	@./cooldown-proxy run --or-demo

cooldown-proxy: $(BUILT)
	@ln -sf bin/cooldown-proxy.js $@

$(BUILT): $(INSTALLED) $(LIB) tsconfig.json tsconfig.build.json
	@rm -rf dist
	@$(BIN)/tsc -p tsconfig.build.json
	@touch $@

# Not `npm ci`: it refuses a lock that does not name the optional packages of every platform, and it
# would fetch everything again. This installs what is missing, as locked, and leaves the lock alone.
$(INSTALLED): package-lock.json | node
	@echo 'installing what package-lock.json names'
	@npm install --no-save --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

node:
	@command -v node >/dev/null 2>&1 || { echo 'Node.js 20 or newer is needed: https://nodejs.org'; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node, 10) < 20 ? 1 : 0)' || \
		{ echo "Node.js 20 or newer is needed, this is $$(node --version)"; exit 1; }

## Checking

test: build types lint tests ## install, build, type-check, lint, house rules, tests, each bench case once

check: ## make test, and nothing in the tree is different afterwards
	@before=$$(git status --porcelain; git diff | cksum); \
	$(MAKE) --no-print-directory test || exit 1; \
	after=$$(git status --porcelain; git diff | cksum); \
	[ "$$before" = "$$after" ] || { echo 'the tests changed the tree:'; git status --short; exit 1; }

types: $(INSTALLED) ## type-check lib, bench and test
	@$(BIN)/tsc -p tsconfig.json

lint: $(INSTALLED) ## lint and formatting
	@$(BIN)/biome ci --error-on-warnings .

# A failing run lists its failures after the summary, so the summary is said again: it ends the output.
# One file per processor at a time, where Node (20.10 and later) can be told so; else it leaves one idle.
tests: $(INSTALLED) ## the tests alone: make tests TESTS=test/quotas
	@mkdir -p .cache
	@node --help | grep -q test-concurrency && \
		parallel=--test-concurrency=$$(getconf _NPROCESSORS_ONLN) || parallel=; \
	node --import tsx --test $$parallel \
		--test-reporter=spec --test-reporter-destination=stdout \
		--test-reporter=tap --test-reporter-destination=.cache/tests.tap \
		$$(find $(TESTS) -name '*.test.ts' | sort) || { tail -n 8 .cache/tests.tap; exit 1; }

test-matrix: build ## the tests under Node 20, 22 and 24 (Linux; elsewhere use nvm or the like)
	@case "$$(uname -s)-$$(uname -m)" in \
		Linux-x86_64) platform=linux-x64 ;; \
		Linux-aarch64) platform=linux-arm64 ;; \
		*) echo 'test-matrix fetches Node for Linux only: switch versions (nvm, fnm, volta) and run make test'; exit 1 ;; \
	esac; \
	for version in 20 22 24; do \
		folder=.cache/node-$$version; \
		[ -d $$folder/node_modules ] || \
			npm install --silent --no-audit --no-fund --no-save --prefix $$folder node-$$platform@$$version || exit 1; \
		echo "Node $$version"; \
		PATH="$$PWD/$$folder/node_modules/node-$$platform/bin:$$PATH" $(MAKE) --no-print-directory tests || exit 1; \
	done

e2e: build ## the real Claude Code through the proxy: make e2e CASES=name,name LONG=1
	@node --import tsx test/e2e/run.ts

soak: build ## a thousand streams for a long time: make soak SECONDS=600 STREAMS=1000
	@node --import tsx bench/soak.ts

chaos: $(INSTALLED) ## clients and providers do what they should not, reloads, all at once: SECONDS= SEED= CLIENTS= TRANSPORT= WORKERS=
	@node --import tsx test/chaos/run.ts

bench: build ## what the proxy costs, side by side: make bench CASES=micro|load|latency|...
	@node --import tsx bench/run.ts

load: build ## autocannon against the proxy on the simulator: make load SCENARIO=json|sse|...
	@node --import tsx bench/load.ts $(SCENARIO)

.PHONY: peers gate growth

peers: build ## what it costs beside nginx, HAProxy, LiteLLM, ...: make peers PEERS=nginx,Portkey ROUNDS=7
	@node --import tsx bench/peers.ts

growth: build ## does a cost stay what it is with more of everything? make growth CURVES=keys,streams
	@node --import tsx bench/growth.ts

gate: build ## is the work tree slower than a revision: make gate BASE=main CASES=splice,json
	@node --import tsx bench/gate.ts

profile: build ## where the time goes, by function: make profile CASE=json|messages-sse|splice|...
	@node --import tsx bench/profile.ts

fuzz: $(INSTALLED) ## look for inputs that break something: make fuzz SECONDS=60 TARGET=json,sse SEED=1
	@node --import tsx test/fuzz/run.ts

## Keeping house

fmt: $(INSTALLED) ## format, and fix what can be fixed
	@$(BIN)/biome check --write .

pack: build ## the npm package, as a .tgz
	@npm pack --ignore-scripts --loglevel=error

clean: ## remove what was built and fetched, except node_modules
	@rm -rf dist .cache cooldown-proxy cooldown-proxy-*.tgz

# The published files and their one dependency; a configuration that is there already stays. Everybody
# may read it, whatever the umask is, for the service runs as a user of its own; the keys nobody may.
install-service: build ## install program, example configuration and systemd units: DESTDIR= PREFIX=
	@umask 022 && rm -rf .cache/pack "$(DESTDIR)$(PREFIX)/dist" "$(DESTDIR)$(PREFIX)/node_modules/yaml" && \
		mkdir -p .cache/pack "$(DESTDIR)$(PREFIX)/node_modules" "$(DESTDIR)$(BINDIR)" \
		"$(DESTDIR)$(CONFDIR)" "$(DESTDIR)$(UNITDIR)"
	@npm pack --ignore-scripts --silent --pack-destination .cache/pack >/dev/null
	@umask 022 && tar -xzf .cache/pack/cooldown-proxy-*.tgz -C "$(DESTDIR)$(PREFIX)" \
		--strip-components=1 --no-same-owner
	@umask 022 && cp -R node_modules/yaml "$(DESTDIR)$(PREFIX)/node_modules/"
	@chmod -R a+rX "$(DESTDIR)$(PREFIX)" && chmod 755 "$(DESTDIR)$(PREFIX)/bin/cooldown-proxy.js"
	@ln -sf "$(PREFIX)/bin/cooldown-proxy.js" "$(DESTDIR)$(BINDIR)/cooldown-proxy"
	@[ -e "$(DESTDIR)$(CONFDIR)/config.yaml" ] || \
		install -m 644 config/config.yaml.example-claude-code "$(DESTDIR)$(CONFDIR)/config.yaml"
	@[ -e "$(DESTDIR)$(CONFDIR)/env" ] || \
		{ umask 077; printf '# %s\n' CEREBRAS_API_KEY_1=... ZHIPU_API_KEY=... > "$(DESTDIR)$(CONFDIR)/env"; }
	@umask 022 && for unit in cooldown-proxy.service cooldown-proxy.socket; do \
		sed 's|/usr/local/bin/|$(BINDIR)/|; s|/usr/local/lib/cooldown-proxy/|$(PREFIX)/|; s|/etc/cooldown-proxy/|$(CONFDIR)/|g' \
			config/$$unit > "$(DESTDIR)$(UNITDIR)/$$unit" || exit 1; done
	@[ -n "$(DESTDIR)" ] || ! command -v systemctl >/dev/null || systemctl daemon-reload
	@echo 'Installed. Next:'
	@echo '  1. put the keys into $(CONFDIR)/env, one NAME=value a line'
	@echo '  2. look through $(CONFDIR)/config.yaml, then, as root:'
	@echo '     (set -a; . $(CONFDIR)/env; cooldown-proxy check -config $(CONFDIR)/config.yaml)'
	@echo '  3. systemctl enable --now cooldown-proxy'
	@echo '     (first cooldown-proxy.socket, if a restart shall refuse no connection)'
	@PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin; command -v node >/dev/null || \
		echo 'Note: systemd finds node in /usr/bin and /usr/local/bin only; yours is elsewhere.'
