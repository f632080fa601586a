# The two commands of the README. Each makes .venv, installs what it needs and runs.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := pyproject.toml constraints.txt

.PHONY: demo test lint clean

demo: .venv/.installed
	$(BIN)/nuriwake segment examples/coffee.png -o demo --recipe icassp2018 --max-iter 40
	@echo
	@echo "Look at demo/coffee.overlay.png. Then try:"
	@echo "  $(BIN)/nuriwake segment YOUR_PICTURE.jpg -o demo"
	@echo "  $(BIN)/nuriwake recipes"
	@echo "  $(BIN)/nuriwake segment --help"

test: .venv/.installed-dev
	$(BIN)/python -m pytest --cov --cov-report=term --cov-fail-under=90

lint: .venv/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

.venv/.created:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nuriwake needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	touch $@

.venv/.installed: .venv/.created $(SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/.installed-dev: .venv/.created $(SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[geo,zarr,cluster,app,bench,dev]'
	touch $@ .venv/.installed

clean:
	rm -rf .venv demo test-output .pytest_cache .mypy_cache .ruff_cache .coverage
