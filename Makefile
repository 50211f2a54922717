# SPDX-License-Identifier: GPL-2.0
# The doors: make, make deps, make demo, make check, make help.
#
# Sources are found by folder: a new .c in userspace/*/, tools/ or selftests/
# is built without an edit here.

BUILD	?= build
PREFIX	?= /usr/local
DESTDIR	?=
CC	?= gcc
CLANG	?= clang
BPFTOOL	?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)

# `make V=1` shows the commands. The long doors build with all processors.
Q	:= $(if $(V),,@)
say	= $(if $(V),,@printf '  %-8s%s\n' "$(1)" "$(2:$(BUILD)/%=%)")
PARALLEL := $(MAKE) $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

WARN	:= -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
HARDEN	:= -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE -fcf-protection
CFLAGS	?= -O2 -g
ALL_CFLAGS = -std=gnu11 $(WARN) $(HARDEN) $(CFLAGS) $(SANITIZE) -D_GNU_SOURCE -pthread \
	-Iinclude -Iuserspace -I$(BUILD)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(LDFLAGS) $(SANITIZE) -pthread
LIBS	:= -lbpf -lelf -lmnl -lconfuse -lsqlite3 -lhs -ljansson -lseccomp -lsystemd -lcap

# `make SAN=1` builds everything with address and undefined-behaviour checks.
ifeq ($(SAN),1)
BUILD	:= build/san
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
HARDEN	:= -fPIE
endif
# `make SAN=thread` with checks for data races.
ifeq ($(SAN),thread)
BUILD	:= build/tsan
SANITIZE := -fsanitize=thread -fno-omit-frame-pointer
HARDEN	:= -fPIE
endif

# `make COV=1` with counters of lines, for `make coverage`.
ifeq ($(COV),1)
BUILD	:= build/cov
SANITIZE := --coverage -fprofile-update=atomic
HARDEN	:= -fPIE
endif

MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
BPF_CFLAGS := -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -target bpf -mcpu=v3 \
	-D__TARGET_ARCH_x86 -Iinclude -Ibpf -I/usr/include/$(MULTIARCH)

BPF_SRC	:= $(wildcard bpf/*.bpf.c)
BPF_OBJ	:= $(BPF_SRC:bpf/%.bpf.c=$(BUILD)/%.bpf.o)
BPF_SKEL := $(BPF_SRC:bpf/%.bpf.c=$(BUILD)/%.skel.h)

LIB_SRC	:= $(wildcard userspace/*/*.c)
LIB_OBJ	:= $(LIB_SRC:%.c=$(BUILD)/%.o)
TOOL_SRC := $(wildcard tools/*.c)
TOOL_OBJ := $(TOOL_SRC:%.c=$(BUILD)/%.o)
UNIT_SRC := $(wildcard selftests/unit/*.c)
UNIT_OBJ := $(UNIT_SRC:%.c=$(BUILD)/%.o)
SCEN_SRC := $(wildcard selftests/scenario/*.c)
SCEN_OBJ := $(SCEN_SRC:%.c=$(BUILD)/%.o)
PROG_SRC := $(wildcard selftests/prog/*.c)
PROG_OBJ := $(PROG_SRC:%.c=$(BUILD)/%.o)
BENCH_SRC := $(wildcard selftests/bench/*.c)
BENCH_BIN := $(BENCH_SRC:selftests/bench/%.c=$(BUILD)/bench/%)
HELPER_SRC := $(wildcard selftests/net/helper/*.c)
HELPER_BIN := $(HELPER_SRC:selftests/net/helper/%.c=$(BUILD)/helper/%)

# A fuzzer is one file and the sources named FUZZ_<its name>; those of
# FUZZ_MUTATE call libFuzzer, the others can be linked without it.
FUZZ_SRC := $(wildcard selftests/fuzz/*_fuzz.c)
FUZZ_BIN := $(FUZZ_SRC:selftests/fuzz/%.c=$(BUILD)/fuzz/%)
FUZZ_FLAGS := -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
FUZZ_MUTATE := selftests/fuzz/mutator.c selftests/fuzz/words.c
FUZZ_smtp_fuzz := $(addprefix selftests/fuzz/,steps.c settings.c model.c model_body.c \
	model_path.c model_reply.c observer.c) selftests/unit/smtp_owner.c \
	$(wildcard userspace/smtp/*.c)
# The worker, on the scenario player's wire.
FUZZ_session_fuzz := selftests/fuzz/steps.c selftests/fuzz/settings.c \
	$(addprefix selftests/scenario/,stage.c wire.c verdict.c) \
	$(wildcard userspace/base/*.c userspace/smtp/*.c) \
	$(filter-out %/inspector.c %/sandbox.c %/listener.c,$(wildcard userspace/session/*.c))
FUZZ_LINK_session_fuzz = $(SCEN_WRAP:%=-Wl,--wrap=%) -lconfuse -lcap

.PHONY: all deps demo check nightly bench install help clean style unit prog scenario fuzz \
	coverage cov-build
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/posternd $(BUILD)/postern $(BPF_OBJ)

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make            build everything into build/
## make deps       install the Debian packages that are missing (root)
deps:
	selftests/deps.sh

## make demo       install, build, run the whole system between namespaces (root)
demo: deps
	$(PARALLEL) all helpers
	selftests/demo.sh

## make check      install, build, run every test (root)
check: deps
	$(PARALLEL) all tests
	selftests/run.sh check

## make nightly    the long forms of the tests (root)
nightly: deps
	$(PARALLEL) all tests
	selftests/run.sh nightly

## make bench      the measurements of doc/performance.rst (root)
bench: deps
	$(PARALLEL) all tests
	selftests/bench/run.sh

## make install    into DESTDIR and PREFIX
install: all
	packaging/install.sh "$(DESTDIR)" "$(PREFIX)" "$(BUILD)"

## make style      include directions, sizes, formatting rules
style:
	selftests/style.sh

tests: $(BUILD)/unit $(BUILD)/prog $(BUILD)/scenario helpers $(BENCH_BIN) $(FUZZ_BIN)
helpers: $(HELPER_BIN)

$(BUILD)/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h include/*/*.h)
	@mkdir -p $(@D)
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $(subst .,_,$*)_bpf > $@

$(BUILD)/userspace/steering/%.o $(BUILD)/selftests/prog/%.o: ALL_CFLAGS += -Wno-shadow
$(LIB_OBJ) $(PROG_OBJ): | $(BPF_SKEL)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/libpostern.a: $(LIB_OBJ)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(BUILD)/posternd: $(BUILD)/userspace/main.o $(BUILD)/libpostern.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

$(BUILD)/postern: $(TOOL_OBJ) $(BUILD)/libpostern.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

$(BUILD)/unit: $(UNIT_OBJ) $(BUILD)/libpostern.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIBS) -lcriterion -o $@

# What the scenario player answers in the kernel's and the verdict's place.
SCEN_WRAP := recv send sendmsg shutdown close setsockopt getsockopt getsockname accept4 \
	epoll_ctl epoll_wait clock_gettime own_open own_close own_address ticket_write \
	smtp_init smtp_init_refused verdict_scan_octets verdict_scan_new verdict_scan_feed \
	verdict_scan_certain verdict_scan_end verdict_scan_free
$(BUILD)/scenario: $(SCEN_OBJ) $(BUILD)/libpostern.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $(SCEN_WRAP:%=-Wl,--wrap=%) $^ $(LIBS) -o $@

$(BUILD)/prog: $(PROG_OBJ) $(BUILD)/libpostern.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIBS) -lcriterion -o $@

# What only a bench loads.
BENCH_SKEL := $(patsubst selftests/bench/bpf/%.bpf.c,$(BUILD)/%.skel.h,\
	$(wildcard selftests/bench/bpf/*.bpf.c))
$(BUILD)/%.bpf.o: selftests/bench/bpf/%.bpf.c $(wildcard bpf/*.h include/*/*.h)
	@mkdir -p $(@D)
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(BENCH_BIN): | $(BPF_SKEL) $(BENCH_SKEL)
$(BUILD)/bench/%: selftests/bench/%.c $(BUILD)/libpostern.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $(filter %.c %.a,$^) $(LIBS) $(ALL_LDFLAGS) -o $@

$(BUILD)/helper/%: selftests/net/helper/%.c
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $< -o $@

.SECONDEXPANSION:
$(BUILD)/fuzz/%: selftests/fuzz/%.c $$(FUZZ_$$*) $(FUZZ_MUTATE) \
		$(wildcard userspace/*/*.h include/*/*.h selftests/unit/*.h selftests/fuzz/*.h)
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)
	$(Q)$(CLANG) -std=gnu11 $(WARN) -D_GNU_SOURCE -Iinclude -Iuserspace $(FUZZ_FLAGS) \
		$(filter %.c,$^) $(FUZZ_LINK_$*) -o $@

## make fuzz       run each fuzzer for FUZZ_TIME seconds, from its corpus
FUZZ_TIME ?= 300
fuzz: $(FUZZ_BIN)
	selftests/fuzz/replay.sh $(FUZZ_TIME)

# Each fuzzer without libFuzzer: plays its corpus and no more.
# A bare % in a prerequisite would be the stem.
PERCENT := %
REPLAY_BIN := $(FUZZ_SRC:selftests/fuzz/%.c=$(BUILD)/replay/%)
$(BUILD)/replay/%: $(BUILD)/selftests/fuzz/%.o $(BUILD)/selftests/fuzz/replay_main.o \
		$$(patsubst $$(PERCENT).c,$(BUILD)/$$(PERCENT).o,\
			$$(filter selftests/$$(PERCENT),$$(FUZZ_$$*))) \
		$(BUILD)/libpostern.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIBS) $(FUZZ_LINK_$*) -o $@

## make coverage   lines of smtp/ and session/ that unit tests, scenarios and corpora run
coverage:
	$(PARALLEL) COV=1 cov-build
	selftests/coverage.py build/cov
cov-build: $(BUILD)/unit $(BUILD)/scenario $(REPLAY_BIN)

## make unit       build and run the unit tests alone
unit: $(BUILD)/unit
	$(BUILD)/unit

## make scenario   build and play the scenarios alone
scenario: $(BUILD)/scenario
	selftests/scenario/run

## make prog       build and run the BPF program tests alone (root)
prog: $(BUILD)/prog
	$(BUILD)/prog

## make clean
clean:
	rm -rf build

-include $(LIB_OBJ:.o=.d) $(TOOL_OBJ:.o=.d) $(UNIT_OBJ:.o=.d) $(PROG_OBJ:.o=.d) $(SCEN_OBJ:.o=.d) \
	$(BUILD)/userspace/main.d $(HELPER_BIN:=.d) $(BENCH_BIN:=.d)
