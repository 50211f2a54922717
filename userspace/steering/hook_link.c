// SPDX-License-Identifier: GPL-2.0
/* The hooks that are held by pinned links: XDP and sk_lookup. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "steering/hook.h"

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

/* Let go of a descriptor where nothing of ours runs after all. */
static void let_go(struct attach_state *now)
{
	if (now->program >= 0)
		close(now->program);
	now->program = -1;
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

int hook_xdp_read(const struct pins *p, int ifindex, struct attach_state *now)
{
	struct bpf_link_info info = { 0 };
	char path[PINS_PATH];
	int err;

	err = link_program(pins_path(p, HOOK_PIN_XDP, ifindex, path), now, &info);
	/* A link outlives its interface, as a shell without a target. */
	now->xdp_mode = xdp_mode_of(ifindex, info.prog_id);
	if (!now->xdp_mode)
		let_go(now);
	return err;
}

int hook_xdp_put(struct attach *a, int ifindex, const struct attach_state *to)
{
	struct attach_state now;
	char path[PINS_PATH];
	int err;

	err = hook_xdp_read(a->pins, ifindex, &now);
	if (err)
		return err;
	let_go(&now);
	pins_path(a->pins, HOOK_PIN_XDP, ifindex, path);
	if (now.xdp_mode == to->xdp_mode)
		return link_update(path, to->program);
	err = link_drop(path);
	return err ? err : link_make(path, to->program, ifindex, BPF_XDP, to->xdp_mode);
}

int hook_xdp_take(struct attach *a, int ifindex)
{
	char path[PINS_PATH];

	return link_drop(pins_path(a->pins, HOOK_PIN_XDP, ifindex, path));
}

uint32_t attach_xdp_mode(const struct pins *p, int ifindex, int *id)
{
	struct bpf_link_info info;
	char path[PINS_PATH];
	int link;

	*id = 0;
	link = link_open(pins_path(p, HOOK_PIN_XDP, ifindex, path), &info);
	if (link < 0)
		return 0;
	close(link);
	*id = (int)info.prog_id;
	return xdp_mode_of(ifindex, info.prog_id);
}

/* ---- sk_lookup ---- */

int hook_lookup_read(const struct pins *p, int ifindex, struct attach_state *now)
{
	struct bpf_link_info info = { 0 };
	char path[PINS_PATH];
	int err;

	(void)ifindex;
	now->xdp_mode = 0;
	err = link_program(pins_path(p, HOOK_PIN_LOOKUP, -1, path), now, &info);
	if (!info.netns.netns_ino)	/* detached, by a `down` that was killed */
		let_go(now);
	return err;
}

static int lookup_make(const char *path, int program)
{
	int netns, err;

	netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		return -errno;
	err = link_make(path, program, netns, BPF_SK_LOOKUP, 0);
	close(netns);
	return err;
}

int hook_lookup_put(struct attach *a, int ifindex, const struct attach_state *to)
{
	struct attach_state now;
	char path[PINS_PATH];
	bool runs;
	int err;

	err = hook_lookup_read(a->pins, ifindex, &now);
	if (err)
		return err;
	runs = now.program >= 0;
	let_go(&now);
	pins_path(a->pins, HOOK_PIN_LOOKUP, -1, path);
	if (runs)
		return link_update(path, to->program);
	err = link_drop(path);
	return err ? err : lookup_make(path, to->program);
}

int hook_lookup_take(struct attach *a, int ifindex)
{
	char path[PINS_PATH];

	(void)ifindex;
	return link_drop(pins_path(a->pins, HOOK_PIN_LOOKUP, -1, path));
}

bool attach_elsewhere(const struct pins *p)
{
	struct bpf_link_info info;
	char path[PINS_PATH];
	struct stat here;
	int link;

	link = link_open(pins_path(p, HOOK_PIN_LOOKUP, -1, path), &info);
	if (link < 0)
		return false;
	close(link);
	return !stat("/proc/thread-self/ns/net", &here) && info.netns.netns_ino &&
	       info.netns.netns_ino != here.st_ino;
}
