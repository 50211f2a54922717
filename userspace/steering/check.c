// SPDX-License-Identifier: GPL-2.0
/*
 * Rights, kernel and the place of the pins. Every finding is one line: what,
 * where, what to do. Nothing is changed, and one fault does not hide the next
 * unless the next could only be an echo of it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include "steering/attach.h"
#include "steering/check.h"
#include "steering/load.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

/* ---- rights ---- */

static const struct {
	cap_value_t cap;
	const char *name;
	const char *why;
} rights[] = {
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "to mount the BPF file system" },
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN", "to attach programs and make routes" },
	{ CAP_BPF, "CAP_BPF", "to load programs" },
};

static int check_rights(const struct steering_report *report)
{
	cap_flag_value_t has;
	cap_t caps = cap_get_proc();
	int faults = 0;
	size_t i;

	if (!caps)
		return say_fault(report, "cannot read own capabilities: %s", strerror(errno));
	for (i = 0; i < ARRAY_SIZE(rights); i++) {
		if (cap_get_flag(caps, rights[i].cap, CAP_EFFECTIVE, &has) || has != CAP_SET)
			faults += say_fault(report, "missing capability %s, needed %s; run as root",
					    rights[i].name, rights[i].why);
	}
	cap_free(caps);
	return faults;
}

/* ---- kernel ---- */

enum feature_kind { FEATURE_PROGRAM, FEATURE_MAP, FEATURE_HELPER };

static const struct {
	enum feature_kind kind;
	int what;
	int program;		/* of a helper: the type of program that needs it */
	const char *name;
	const char *option;	/* kernel configuration */
} features[] = {
	{ FEATURE_PROGRAM, BPF_PROG_TYPE_XDP, 0, "XDP programs", "CONFIG_BPF_SYSCALL" },
	{ FEATURE_PROGRAM, BPF_PROG_TYPE_SCHED_CLS, 0, "tc programs", "CONFIG_NET_CLS_BPF" },
	{ FEATURE_PROGRAM, BPF_PROG_TYPE_SK_LOOKUP, 0, "sk_lookup programs", "CONFIG_INET" },
	{ FEATURE_MAP, BPF_MAP_TYPE_LPM_TRIE, 0, "prefix maps", "CONFIG_BPF_SYSCALL" },
	{ FEATURE_MAP, BPF_MAP_TYPE_LRU_HASH, 0, "LRU maps", "CONFIG_BPF_SYSCALL" },
	{ FEATURE_MAP, BPF_MAP_TYPE_SOCKMAP, 0, "socket maps", "CONFIG_BPF_STREAM_PARSER" },
	{ FEATURE_MAP, BPF_MAP_TYPE_RINGBUF, 0, "ring buffers", "CONFIG_BPF_SYSCALL" },
	{ FEATURE_HELPER, BPF_FUNC_sk_assign, BPF_PROG_TYPE_SCHED_CLS,
	  "bpf_sk_assign", "CONFIG_INET" },
	{ FEATURE_HELPER, BPF_FUNC_skc_lookup_tcp, BPF_PROG_TYPE_SCHED_CLS,
	  "bpf_skc_lookup_tcp", "CONFIG_INET" },
	{ FEATURE_HELPER, BPF_FUNC_tcp_check_syncookie, BPF_PROG_TYPE_SCHED_CLS,
	  "bpf_tcp_check_syncookie", "CONFIG_SYN_COOKIES" },
	{ FEATURE_HELPER, BPF_FUNC_ktime_get_boot_ns, BPF_PROG_TYPE_XDP,
	  "bpf_ktime_get_boot_ns", "CONFIG_BPF_SYSCALL" },
};

static int has_feature(size_t i)
{
	switch (features[i].kind) {
	case FEATURE_PROGRAM:
		return libbpf_probe_bpf_prog_type(features[i].what, NULL);
	case FEATURE_MAP:
		return libbpf_probe_bpf_map_type(features[i].what, NULL);
	case FEATURE_HELPER:
		return libbpf_probe_bpf_helper(features[i].program, features[i].what, NULL);
	}
	return -EINVAL;
}

/* What the kernel's lockdown says, for the message; "" when it says nothing. */
static const char *lockdown(char *buf, size_t size)
{
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");

	if (!f || !fgets(buf, (int)size, f))
		buf[0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	if (f)
		fclose(f);
	return buf;
}

/* Is bpf() to be had at all? */
static int check_bpf(const struct steering_report *report)
{
	char state[64];
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, 4, 1, NULL);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (fd == -EPERM)
		return say_fault(report,
			"the kernel refuses bpf() (%s), lockdown is \"%s\"; "
			"boot without lockdown, look for a seccomp filter or security module",
			strerror(-fd), lockdown(state, sizeof(state)));
	return say_fault(report, "bpf() does not work: %s; needs a kernel with CONFIG_BPF_SYSCALL",
			 strerror(-fd));
}

static int check_features(const struct steering_report *report)
{
	int faults = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(features); i++) {
		if (has_feature(i) <= 0)
			faults += say_fault(report, "the kernel has no %s; needs Linux 6.1 with %s",
					    features[i].name, features[i].option);
	}
	return faults;
}

/* ---- the place of the pins ---- */

static bool kernel_has_bpffs(void)
{
	char line[64];
	FILE *f = fopen("/proc/filesystems", "re");
	bool found = !f;	/* unknown: the mount will tell */

	while (f && fgets(line, sizeof(line), f))
		found |= !strcmp(line, "nodev\tbpf\n");
	if (f)
		fclose(f);
	return found;
}

static int check_pinned(const struct pins *p, const struct steering_report *report)
{
	struct steering maps;
	int err;

	steering_view_init(&maps);
	err = pins_exist(p) ? load_pinned(p, &maps, report) : 0;
	steering_view_release(&maps);
	return !!err;
}

int check_place(const struct pins *p, const struct steering_report *report)
{
	char other[PINS_PATH];
	int faults = 0;

	if (pins_other_layout(p, other))
		faults += say_fault(report,
			"%s belongs to another release of Postern, whose maps have another "
			"layout (this one's is v%d); run `postern down` of that release first",
			other, POSTERN_ABI);
	if (pins_mounted(p) == PINS_READ_ONLY)
		faults += say_fault(report,
			"the BPF file system at %s is read-only; run: mount -o remount,rw %s",
			p->bpf, p->bpf);
	if (!kernel_has_bpffs())
		faults += say_fault(report,
			"the kernel has no BPF file system; needs CONFIG_BPF_SYSCALL");
	if (attach_elsewhere(p))
		faults += say_fault(report,
			"what is pinned in %s steers another network namespace; run this "
			"there, or give each its own run_dir",
			p->dir);
	return faults + check_pinned(p, report);
}

/* ---- all ---- */

int check_all(const struct conf *conf, const struct steering_report *report)
{
	struct pins pins;
	int faults = 0, refused;

	say_libbpf_begin();
	pins_init(&pins, conf);
	refused = check_rights(report);
	if (!refused)
		refused = check_bpf(report);
	if (!refused)
		faults += check_features(report) + check_place(&pins, report);
	return faults + refused + check_net(conf, &pins, report);
}

/* Load everything aside and let it go. */
static int trial_load(const struct conf *conf, const struct steering_report *report)
{
	struct load load;
	struct pins pins;
	int err;

	pins_init(&pins, conf);
	err = load_programs(&load, &pins, report);
	load_release(&load);
	return !!err;
}

int steering_check(const struct conf *conf, const struct steering_report *report)
{
	int faults = check_all(conf, report);

	return faults ? faults : trial_load(conf, report);
}
