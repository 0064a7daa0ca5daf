# Verbs of the AWS deployment. Tools are Python modules, pinned, in places of their own under target/.

AWS_VENV := $(TARGET_DIR)/aws-venv
SAM_VENV := $(TARGET_DIR)/sam-venv
CHECKOV_VENV := $(TARGET_DIR)/checkov-venv
LOCALSTACK_VENV := $(TARGET_DIR)/localstack-venv
# What SAM asks for though nothing is called.
NO_ACCOUNT := AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none SAM_CLI_TELEMETRY=0

.PHONY: aws-tools
aws-tools: $(AWS_VENV)/installed $(SAM_VENV)/installed $(LOCALSTACK_VENV)/installed $(TARGET_DIR)/kinesis-local/installed ## install what builds, deploys and stands in for AWS, under target/

.PHONY: aws-lint
aws-lint: $(SAM_VENV)/installed $(CHECKOV_VENV)/installed ## check the template with SAM, cfn-lint and checkov
	$(NO_ACCOUNT) $(SAM_VENV)/bin/sam validate --lint
	$(SAM_VENV)/bin/cfn-lint --non-zero-exit-code warning template.yaml
	$(CHECKOV_VENV)/bin/checkov --file template.yaml --framework cloudformation --compact --quiet --skip-download

.PHONY: aws-test
aws-test: aws-tools functions build ## prove the AWS parts without an account (PARTS='adapters sizes system deployed')
	@$(NEXTEST)
	tests/aws/run $(PARTS)

.PHONY: sam-local-test
sam-local-test: $(AWS_VENV)/installed $(SAM_VENV)/installed $(TARGET_DIR)/lambda-image.tar functions ## run the template under sam local, in containers (as root, with packages of Debian)
	cd tests/aws && TRAWL_SAM_BUILT=1 $(AWS_VENV)/bin/python -W ignore::ResourceWarning -m unittest -v test_sam_local

.PHONY: lambda-watch
lambda-watch: aws-tools ## serve the functions for development on http://127.0.0.1:9000, over stand-ins for AWS
	PATH="$(AWS_VENV)/bin:$$PATH" $(AWS_VENV)/bin/python tests/aws/watch.py

$(AWS_VENV)/installed: tests/aws/requirements.txt
	python3 -m venv $(AWS_VENV)
	$(AWS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

$(SAM_VENV)/installed: tests/aws/requirements-sam.txt
	python3 -m venv $(SAM_VENV)
	$(SAM_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

$(CHECKOV_VENV)/installed: tests/aws/requirements-checkov.txt
	python3 -m venv $(CHECKOV_VENV)
	$(CHECKOV_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# LocalStack with its dependencies as they were when it came out: later ones do not fit it.
$(LOCALSTACK_VENV)/installed: tests/aws/requirements-localstack.txt
	python3 -m venv $(LOCALSTACK_VENV)
	$(LOCALSTACK_VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(LOCALSTACK_VENV)/bin/uv pip install --quiet --python $(LOCALSTACK_VENV)/bin/python --exclude-newer 2025-10-15 --requirement $<
	touch $@

# Kinesis with the lineage of shards.
$(TARGET_DIR)/kinesis-local/installed:
	mkdir -p $(@D)
	npm install --silent --no-audit --no-fund --prefix $(@D) kinesis-local@0.6.2
	touch $@

# What stands in for the image of Lambda's runtime, which no registry of packages has: a minimal Debian.
$(TARGET_DIR)/lambda-image.tar:
	@for tool in debootstrap dockerd docker ip; do command -v $$tool >/dev/null || { \
		echo "$$tool is missing: apt-get install --no-install-recommends docker.io debootstrap iproute2 iptables" >&2; exit 1; }; done
	mkdir -p $(@D)
	rm -rf $(@:.tar=)
	debootstrap --variant=minbase bookworm $(@:.tar=) >$(@:.tar=.log)
	tar -C $(@:.tar=) --exclude='./var/cache/apt/archives/*.deb' -cf $@.part .
	mv $@.part $@
	rm -rf $(@:.tar=)
