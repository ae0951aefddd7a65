"""The cases of wire/vectors/*.json, one module for each part of SPEC.md, built from the specification."""
