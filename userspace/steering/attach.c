// SPDX-License-Identifier: GPL-2.0
/*
 * Changes of the hooks, noted so that they can be undone. What a hook needs
 * for reading, putting and taking away stands in hook_link.c and hook_tc.c;
 * here are the things that are the same for all three. Runs as root in up and
 * down, under their lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "steering/attach.h"
#include "steering/hook.h"

static const struct {
	int (*read)(const struct pins *p, int ifindex, struct attach_state *now);
	int (*put)(struct attach *a, int ifindex, const struct attach_state *to);
	int (*take)(struct attach *a, int ifindex);
} hooks[] = {
	[ATTACH_XDP] = { hook_xdp_read, hook_xdp_put, hook_xdp_take },
	[ATTACH_TC] = { hook_tc_read, hook_tc_put, hook_tc_take },
	[ATTACH_LOOKUP] = { hook_lookup_read, hook_lookup_put, hook_lookup_take },
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
	if (!hook_has_clsact(sweep->a->netlink, ifindex))
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
	err = pins_each(a->pins, HOOK_PIN_XDP, sweep_xdp, &sweep);
	if (!err)
		err = pins_each(a->pins, HOOK_MARK_CLSACT, sweep_mark, &sweep);
	return err ? err : sweep.err;
}
