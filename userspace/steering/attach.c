// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks. Each has three small verbs (read, put, take away) in a row of a
 * table; undo and sweep are written once over the table. Runs as root in up
 * and down, under their lock.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "steering/attach.h"

#define PIN_XDP		"xdp"
#define PIN_LOOKUP	"lookup"
#define MARK_CLSACT	"clsact"

/* ---- pinned links ---- */

static int link_info(int link, struct bpf_link_info *info)
{
	__u32 size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(link, info, &size);
}

/* Open a pinned link and read what it is; -ENOENT when there is none. */
static int link_open(const char *path, struct bpf_link_info *info)
{
	int link = bpf_obj_get(path);
	int err;

	if (link < 0)
		return link;
	err = link_info(link, info);
	if (!err)
		return link;
	close(link);
	return err;
}

/* Read the program of a pinned link; none at all is no error. */
static int link_program(const char *path, struct attach_state *now,
			struct bpf_link_info *info)
{
	int link = link_open(path, info);

	now->program = -1;
	if (link < 0)
		return link == -ENOENT ? 0 : link;
	close(link);
	now->program = bpf_prog_get_fd_by_id(info->prog_id);
	return now->program < 0 ? now->program : 0;
}

/* Detach at once, whoever else holds the link, and forget it. */
static int link_drop(const char *path)
{
	int link = bpf_obj_get(path);

	if (link < 0)
		return link == -ENOENT ? 0 : link;
	bpf_link_detach(link);
	close(link);
	return unlink(path) ? -errno : 0;
}

/* Make a link and pin it; one that cannot be pinned goes away. */
static int link_make(const char *path, int program, int target, enum bpf_attach_type type,
		     uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int link, err;

	link = bpf_link_create(program, target, type, &opts);
	if (link < 0)
		return link;
	err = bpf_obj_pin(link, path);
	close(link);
	return err;
}

static int link_update(const char *path, int program)
{
	int link = bpf_obj_get(path);
	int err;

	if (link < 0)
		return link;
	err = bpf_link_update(link, program, NULL);
	close(link);
	return err;
}

/* ---- XDP ---- */

/* Which mode the program with this id runs in on the interface; 0 if it does not. */
static uint32_t xdp_mode_of(int ifindex, uint32_t id)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);

	if (!id || bpf_xdp_query(ifindex, 0, &opts))
		return 0;
	if (opts.drv_prog_id == id)
		return XDP_FLAGS_DRV_MODE;
	return opts.skb_prog_id == id ? XDP_FLAGS_SKB_MODE : 0;
}

static int xdp_read(const struct pins *p, int ifindex, struct attach_state *now)
{
	struct bpf_link_info info = { 0 };
	char path[PINS_PATH];
	int err;

	err = link_program(pins_path(p, PIN_XDP, ifindex, path), now, &info);
	/* A link outlives its interface, as a shell without a target. */
	now->xdp_mode = xdp_mode_of(ifindex, info.prog_id);
	if (!err && now->program >= 0 && !now->xdp_mode) {
		close(now->program);
		now->program = -1;
	}
	return err;
}

static int xdp_put(struct attach *a, int ifindex, const struct attach_state *to)
{
	struct attach_state now;
	char path[PINS_PATH];
	int err;

	err = xdp_read(a->pins, ifindex, &now);
	if (err)
		return err;
	if (now.program >= 0)
		close(now.program);
	pins_path(a->pins, PIN_XDP, ifindex, path);
	if (now.program >= 0 && now.xdp_mode == to->xdp_mode)
		return link_update(path, to->program);
	err = link_drop(path);
	return err ? err : link_make(path, to->program, ifindex, BPF_XDP, to->xdp_mode);
}

static int xdp_take(struct attach *a, int ifindex)
{
	char path[PINS_PATH];

	return link_drop(pins_path(a->pins, PIN_XDP, ifindex, path));
}

uint32_t attach_xdp_mode(const struct pins *p, int ifindex, int *id)
{
	struct bpf_link_info info;
	char path[PINS_PATH];
	int link;

	*id = 0;
	link = link_open(pins_path(p, PIN_XDP, ifindex, path), &info);
	if (link < 0)
		return 0;
	close(link);
	*id = (int)info.prog_id;
	return xdp_mode_of(ifindex, info.prog_id);
}

/* ---- sk_lookup ---- */

static int lookup_read(const struct pins *p, int ifindex, struct attach_state *now)
{
	struct bpf_link_info info;
	char path[PINS_PATH];

	(void)ifindex;
	now->xdp_mode = 0;
	return link_program(pins_path(p, PIN_LOOKUP, -1, path), now, &info);
}

static int lookup_put(struct attach *a, int ifindex, const struct attach_state *to)
{
	char path[PINS_PATH];
	int netns, err;

	(void)ifindex;
	pins_path(a->pins, PIN_LOOKUP, -1, path);
	err = link_update(path, to->program);
	if (err != -ENOENT)
		return err;
	netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		return -errno;
	err = link_make(path, to->program, netns, BPF_SK_LOOKUP, 0);
	close(netns);
	return err;
}

static int lookup_take(struct attach *a, int ifindex)
{
	char path[PINS_PATH];

	(void)ifindex;
	return link_drop(pins_path(a->pins, PIN_LOOKUP, -1, path));
}

bool attach_elsewhere(const struct pins *p)
{
	struct bpf_link_info info;
	char path[PINS_PATH];
	struct stat here;
	int link;

	link = link_open(pins_path(p, PIN_LOOKUP, -1, path), &info);
	if (link < 0)
		return false;
	close(link);
	return !stat("/proc/thread-self/ns/net", &here) && info.netns.netns_ino &&
	       info.netns.netns_ino != here.st_ino;
}

/* ---- tc ---- */

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
	if (err == -EINVAL)	/* no clsact qdisc */
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

static int tc_read(const struct pins *p, int ifindex, struct attach_state *now)
{
	(void)p;
	now->xdp_mode = 0;
	now->program = tc_program(ifindex);
	if (now->program >= 0)
		return 0;
	return now->program == -ENOENT ? 0 : now->program;
}

static bool has_clsact(struct netlink *n, int ifindex)
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

	if (has_clsact(a->netlink, ifindex))
		return 0;
	pins_path(a->pins, MARK_CLSACT, ifindex, mark);
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

	if (access(pins_path(a->pins, MARK_CLSACT, ifindex, mark), F_OK))
		return 0;
	if (has_clsact(a->netlink, ifindex) && !iface_has_filters(a->netlink, ifindex)) {
		err = bpf_tc_hook_destroy(&hook);
		if (err)
			return err;
	}
	return rmdir(mark) ? -errno : 0;
}

static int tc_put(struct attach *a, int ifindex, const struct attach_state *to)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = ATTACH_TC_HANDLE,
		    .priority = ATTACH_TC_PRIORITY, .flags = BPF_TC_F_REPLACE,
		    .prog_fd = to->program);
	int err = clsact_make(a, ifindex);

	return err ? err : bpf_tc_attach(&hook, &opts);
}

static int tc_take(struct attach *a, int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = ATTACH_TC_HANDLE,
		    .priority = ATTACH_TC_PRIORITY);
	int owner = attach_tc_owner(ifindex);
	int err = owner == 1 ? bpf_tc_detach(&hook, &opts) : 0;

	return err ? err : clsact_take(a, ifindex);
}

/* ---- all hooks ---- */

static const struct {
	int (*read)(const struct pins *p, int ifindex, struct attach_state *now);
	int (*put)(struct attach *a, int ifindex, const struct attach_state *to);
	int (*take)(struct attach *a, int ifindex);
} hooks[] = {
	[ATTACH_XDP] = { xdp_read, xdp_put, xdp_take },
	[ATTACH_TC] = { tc_read, tc_put, tc_take },
	[ATTACH_LOOKUP] = { lookup_read, lookup_put, lookup_take },
};

static int change(struct attach *a, enum attach_hook hook, int ifindex,
		  const struct attach_state *to)
{
	return to->program < 0 ? hooks[hook].take(a, ifindex)
			       : hooks[hook].put(a, ifindex, to);
}

int attach_put(struct attach *a, enum attach_hook hook, int ifindex, int program,
	       uint32_t xdp_mode)
{
	struct attach_state to = { .program = program, .xdp_mode = xdp_mode };
	struct attach_step step = { .hook = hook, .ifindex = ifindex };
	struct attach_step *grown;
	int err;

	grown = realloc(a->steps, (a->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	a->steps = grown;
	err = hooks[hook].read(a->pins, ifindex, &step.before);
	if (err)
		return err;
	a->steps[a->count++] = step;
	return change(a, hook, ifindex, &to);
}

void attach_undo(struct attach *a)
{
	size_t i;

	for (i = a->count; i > 0; i--)
		change(a, a->steps[i - 1].hook, a->steps[i - 1].ifindex,
		       &a->steps[i - 1].before);
	attach_release(a);
}

void attach_release(struct attach *a)
{
	size_t i;

	for (i = 0; i < a->count; i++) {
		if (a->steps[i].before.program >= 0)
			close(a->steps[i].before.program);
	}
	free(a->steps);
	a->steps = NULL;
	a->count = 0;
}

/* ---- what is not wanted ---- */

struct sweep {
	struct attach *a;
	bool (*wanted)(const void *arg, int ifindex);
	const void *arg;
	int err;
};

static void sweep_one(struct sweep *sweep, enum attach_hook hook, int ifindex)
{
	int err;

	if (sweep->wanted && sweep->wanted(sweep->arg, ifindex))
		return;
	err = attach_put(sweep->a, hook, ifindex, -1, 0);
	if (!sweep->err && err != -EBUSY)	/* a foreign filter is not ours to judge */
		sweep->err = err;
}

static int sweep_xdp(void *arg, int ifindex, const char *path)
{
	(void)path;
	sweep_one(arg, ATTACH_XDP, ifindex);
	return 0;
}

/* A mark whose interface is gone, or whose qdisc somebody removed. */
static int sweep_mark(void *arg, int ifindex, const char *path)
{
	struct sweep *sweep = arg;

	(void)path;
	if (!has_clsact(sweep->a->netlink, ifindex))
		sweep_one(sweep, ATTACH_TC, ifindex);
	return 0;
}

int attach_sweep(struct attach *a, bool (*wanted)(const void *arg, int ifindex),
		 const void *arg)
{
	struct sweep sweep = { .a = a, .wanted = wanted, .arg = arg };
	struct iface_list list;
	size_t i;
	int err;

	err = iface_list_clsact(a->netlink, &list);
	if (err)
		return err;
	for (i = 0; i < list.count; i++)
		sweep_one(&sweep, ATTACH_TC, list.index[i]);
	free(list.index);
	err = pins_each(a->pins, PIN_XDP, sweep_xdp, &sweep);
	if (!err)
		err = pins_each(a->pins, MARK_CLSACT, sweep_mark, &sweep);
	return err ? err : sweep.err;
}
