# Everything that a person runs here; the logic is in Scripts/.
.DEFAULT_GOAL := help
.PHONY: help setup build demo test test-long fuzz bench bonn-run-static format lint clean

help:
	@echo "make setup    install what is missing (libraries, LibTorch and Python packages); safe to repeat"
	@echo "make build    release builds, left as bin/bonn and bin/bonn-run"
	@echo "make demo     train a small 1-bit network, export it, run it, print one table (CIFAR10=DIR: on CIFAR-10)"
	@echo "make test     lint, all tests of the three packages, the consumer package"
	@echo "make test-long  136,000 cases of the kernels in every mode, all tests of the runtime under the sanitizers, 200 kills and failed saves of runs"
	@echo "make fuzz     everything that reads foreign files under libFuzzer and the sanitizers, MINUTES=8 in all (Linux)"
	@echo "make bench    speed on this machine beside ONNX Runtime, OpenVINO and PyTorch, as a page in Benchmarks/results"
	@echo "make bonn-run-static  the runtime tool for Linux machines without Swift, as bin/bonn-run-static"
	@echo "make format   format all sources in place"
	@echo "make lint     formatting, and the promises that no compiler checks"
	@echo "make clean    remove builds and outputs; keeps what make setup installed"

setup:
	@Scripts/setup.sh

build: setup
	@Scripts/build.sh

demo: build
	@Scripts/demo.sh

test:
	@Scripts/test.sh

test-long:
	@Scripts/test-long.sh

fuzz:
	@Scripts/fuzz.sh $(or $(MINUTES),8)

bench: build
	@Scripts/bench.sh

bonn-run-static: setup
	@Scripts/static.sh

format: setup
	@Scripts/format.sh

lint: setup
	@Scripts/lint.sh

clean:
	rm -rf .build Tools/.build Tools/.build-static Training/.build Fuzz/.build Fuzz/findings bin demo
