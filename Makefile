# Each target is a verb of dev.py, which sets everything up; ARGS goes to the tool behind it.
PYTHON ?= python3

.PHONY: install demo test bench lint docs campaign mutants

install demo test bench lint docs campaign mutants:
	@$(PYTHON) dev.py $@ $(ARGS)
