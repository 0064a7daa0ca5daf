# Verbs of the web UI.

UI_SOURCES := $(shell find ui -type f -not -path 'ui/node_modules/*' -not -path 'ui/dist/*' -not -path 'ui/src/language/generated/*')
UI_TOOLS := ui/node_modules/.package-lock.json
BROWSER_TOOLS := tests/browser/node_modules/.package-lock.json

.PHONY: ui
ui: ui/dist/index.html ## build the web UI into ui/dist, from where the programs that serve it embed it

ui/dist/index.html: $(UI_TOOLS) $(UI_SOURCES)
	cd ui && npm run --silent build

$(UI_TOOLS): ui/package-lock.json | node
	cd ui && npm ci --silent --no-audit --no-fund
	touch $@

.PHONY: ui-lint
ui-lint: $(UI_TOOLS) ## check the sources of the web UI, of the browser tests and of the clients for Node
	cd ui && npm run --silent lint
	cd tests/browser && ../../ui/node_modules/.bin/biome check .
	cd tests/clients/node && ../../../ui/node_modules/.bin/biome check .

.PHONY: ui-test
ui-test: $(UI_TOOLS) ## pass the unit tests of the web UI
	cd ui && npm test --silent

.PHONY: browser-test
browser-test: build $(BROWSER_TOOLS) chromium ## use the web UI of a real server in a real browser
	cd tests/browser && TRAWL_BIN=$(TRAWL) npm test --silent

$(BROWSER_TOOLS): tests/browser/package-lock.json | node
	cd tests/browser && npm ci --silent --no-audit --no-fund
	touch $@

.PHONY: screenshots
screenshots: build $(BROWSER_TOOLS) chromium ## make the pictures of the README, docs/images/, anew
	cd tests/browser && TRAWL_BIN=$(TRAWL) npm run --silent screenshots

.PHONY: node
node:
	@command -v npm >/dev/null || { echo 'make: npm is missing: install Node 20 or later (https://nodejs.org)' >&2; exit 1; }

# Debian's Chromium, or the one that CHROMIUM names.
.PHONY: chromium
chromium:
	@[ -n "$${CHROMIUM:-}" ] || command -v chromium >/dev/null || \
		{ { apt-get update -qq -o Acquire::Retries=5 && apt-get install -y -qq -o Acquire::Retries=5 --no-install-recommends chromium; } || sudo -n apt-get install -y chromium; } >/dev/null || \
		{ echo 'make: chromium is missing and could not be installed (Debian: apt-get install chromium)' >&2; exit 1; }
