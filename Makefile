# SPDX-License-Identifier: GPL-2.0
#
# Gets a cargo when there is none, then leaves everything to `cargo xtask`.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test doctor build clean cargo

# rustup's cargo may be installed without being in PATH.
export PATH := $(PATH):$(HOME)/.cargo/bin

help: ## Show this text
	@echo 'freepte: a Linux 7.3 that frees empty page tables'
	@echo
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo '  cargo xtask --help   for everything else'

run: cargo ## Build the kernel, boot it, show the page tables of real programs
	@cargo xtask run

test: cargo ## Run every check (cargo xtask test --full: the long ones too)
	@cargo xtask test

doctor: cargo ## Tell what is installed and what is missing
	@cargo xtask doctor

build: cargo ## Build the kernel only
	@cargo xtask build

clean: cargo ## Remove the kernel trees and builds of this clone
	@cargo xtask clean

cargo:
	@tools/bootstrap-cargo
