// SPDX-License-Identifier: GPL-2.0
/*
 * The tc hook: one filter at a fixed priority and handle of an interface's
 * ingress, and the clsact qdisc under it. No tc links before Linux 6.6.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "steering/hook.h"

static bool program_is_ours(int program)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	return !bpf_obj_get_info_by_fd(program, &info, &size) &&
	       !strncmp(info.name, ATTACH_PREFIX, strlen(ATTACH_PREFIX));
}

/* The program of the filter at our place: a descriptor, -ENOENT, -EBUSY: not ours. */
static int tc_program(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = ATTACH_TC_HANDLE,
		    .priority = ATTACH_TC_PRIORITY);
	int program, err;

	err = bpf_tc_query(&hook, &opts);
	if (err == -EINVAL || err == -ENODEV)	/* no clsact qdisc, no interface */
		return -ENOENT;
	if (err)
		return err;
	program = bpf_prog_get_fd_by_id(opts.prog_id);
	if (program < 0 || program_is_ours(program))
		return program;
	close(program);
	return -EBUSY;
}

int attach_tc_owner(int ifindex)
{
	int program = tc_program(ifindex);

	if (program >= 0)
		close(program);
	return program >= 0 ? 1 : program == -ENOENT ? 0 : program;
}

int hook_tc_read(const struct pins *p, int ifindex, struct attach_state *now)
{
	(void)p;
	now->xdp_mode = 0;
	now->program = tc_program(ifindex);
	if (now->program >= 0)
		return 0;
	return now->program == -ENOENT ? 0 : now->program;
}

bool hook_has_clsact(struct netlink *n, int ifindex)
{
	struct iface_list list;
	bool found = false;
	size_t i;

	if (iface_list_clsact(n, &list))
		return false;
	for (i = 0; i < list.count; i++)
		found |= list.index[i] == ifindex;
	free(list.index);
	return found;
}

/* Make the qdisc unless there is one, and leave a mark that it is ours first. */
static int clsact_make(struct attach *a, int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	char mark[PINS_PATH];
	int err;

	if (hook_has_clsact(a->netlink, ifindex))
		return 0;
	pins_path(a->pins, HOOK_MARK_CLSACT, ifindex, mark);
	if (mkdir(mark, 0700) && errno != EEXIST)
		return -errno;
	err = bpf_tc_hook_create(&hook);
	return err == -EEXIST ? 0 : err;
}

/* Remove the qdisc if it is ours and nobody has put a filter on it. */
static int clsact_take(struct attach *a, int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	char mark[PINS_PATH];
	int err;

	if (access(pins_path(a->pins, HOOK_MARK_CLSACT, ifindex, mark), F_OK))
		return 0;
	if (hook_has_clsact(a->netlink, ifindex) && !iface_has_filters(a->netlink, ifindex)) {
		err = bpf_tc_hook_destroy(&hook);
		if (err)
			return err;
	}
	return rmdir(mark) ? -errno : 0;
}

int hook_tc_put(struct attach *a, int ifindex, const struct attach_state *to)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = ATTACH_TC_HANDLE,
		    .priority = ATTACH_TC_PRIORITY, .flags = BPF_TC_F_REPLACE,
		    .prog_fd = to->program);
	int err = clsact_make(a, ifindex);

	return err ? err : bpf_tc_attach(&hook, &opts);
}

int hook_tc_take(struct attach *a, int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = ATTACH_TC_HANDLE,
		    .priority = ATTACH_TC_PRIORITY);
	int owner = attach_tc_owner(ifindex);
	int err = owner == 1 ? bpf_tc_detach(&hook, &opts) : 0;

	return err ? err : clsact_take(a, ifindex);
}
