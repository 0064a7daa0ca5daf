# Verbs of the tests with clients that others wrote: from PyPI and npm, and daemons from Debian, in places of their own under target/.

CLIENTS_VENV := $(TARGET_DIR)/clients-venv
CLIENTS_DAEMONS := $(TARGET_DIR)/clients-daemons
CLIENTS_NODE := tests/clients/node/node_modules/.package-lock.json

.PHONY: clients-test
clients-test: build clients-tools ## send events by clients that others wrote, over a restart (CLIENTS='test_loki …')
	CARGO_TARGET_DIR=$(TARGET_DIR) TRAWL_BIN=$(TRAWL) tests/clients/run $(CLIENTS)

.PHONY: clients-tools
clients-tools: $(CLIENTS_VENV)/installed $(CLIENTS_NODE) $(CLIENTS_DAEMONS)/installed

$(CLIENTS_VENV)/installed: tests/clients/requirements.txt
	python3 -m venv $(CLIENTS_VENV)
	$(CLIENTS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

$(CLIENTS_NODE): tests/clients/node/package-lock.json | node
	cd tests/clients/node && npm ci --silent --no-audit --no-fund
	touch $@

# Of the versions that the system's Debian has.
$(CLIENTS_DAEMONS)/installed: tests/clients/daemons
	tests/clients/daemons $(CLIENTS_DAEMONS)
	touch $@
