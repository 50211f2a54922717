// SPDX-License-Identifier: GPL-2.0
/*
 * The eBPF backend's open, up and down, as checklists. Order of up: programs
 * are loaded aside, maps pinned, routes made, hooks switched one by one, policy
 * written, and the settings row last, without which the programs of a fresh
 * load let everything pass. Whatever fails, the steps are undone in reverse.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>

#include "steering/attach.h"
#include "steering/check.h"
#include "steering/fill.h"
#include "steering/load.h"
#include "steering/route.h"

/* One up or down under way. */
struct run {
	const struct conf *conf;
	const struct steering_report *report;
	struct pins pins;
	struct netlink netlink;
	struct attach attach;
	struct load load;
	struct iface *ifaces;		/* parallel to conf->interfaces */
	struct route_state routes;
};

static void run_init(struct run *run, const struct conf *conf,
		     const struct steering_report *report)
{
	memset(run, 0, sizeof(*run));
	run->conf = conf;
	run->report = report;
	pins_init(&run->pins, conf);
	run->attach.pins = &run->pins;
	run->attach.netlink = &run->netlink;
	steering_view_init(&run->load.maps);
	say_libbpf_begin();
}

static void run_release(struct run *run)
{
	attach_release(&run->attach);
	load_release(&run->load);
	netlink_close(&run->netlink);
	free(run->ifaces);
}

/* ---- up ---- */

static int fail(const struct run *run, const char *what, int err)
{
	say_fault(run->report, "cannot %s: %s", what, strerror(-err));
	return err;
}

static int find_ifaces(struct run *run)
{
	const struct conf *conf = run->conf;
	size_t i;
	int err = 0;

	run->ifaces = calloc(conf->interface_count + 1, sizeof(*run->ifaces));
	if (!run->ifaces)
		return -ENOMEM;
	for (i = 0; !err && i < conf->interface_count; i++)
		err = iface_find(&run->netlink, conf->interfaces[i].title, &run->ifaces[i]);
	return err;
}

/* Which tc program an interface gets. */
static const char *tc_program_for(enum conf_side side, bool link_header, bool screened)
{
	if (side == CONF_SIDE_UPSTREAM)
		return link_header ? "postern_back" : "postern_back_l3";
	if (!link_header)
		return "postern_steer_l3";
	return screened ? "postern_steer" : "postern_steer_screen";
}

/*
 * Attach the screen in the first mode that works. Returns whether it stands;
 * -errno where the configuration insists on a mode that does not work.
 */
static int put_screen(struct run *run, const struct iface *iface)
{
	uint32_t modes[] = { XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE };
	int program = load_program(&run->load, "postern_screen");
	enum conf_xdp wish = (enum conf_xdp)run->conf->xdp;
	size_t i = wish == CONF_XDP_GENERIC, end = wish == CONF_XDP_NATIVE ? 1 : 2;
	int id, err = -EOPNOTSUPP;

	if (wish == CONF_XDP_OFF || !iface_has_link_header(iface))
		return attach_put(&run->attach, ATTACH_XDP, iface->index, -1, 0);
	/* A mode that works already is replaced without a gap. */
	if (wish == CONF_XDP_AUTO &&
	    attach_xdp_mode(&run->pins, iface->index, &id) == XDP_FLAGS_SKB_MODE)
		i = 1;
	for (; err && i < end; i++)
		err = attach_put(&run->attach, ATTACH_XDP, iface->index, program, modes[i]);
	if (!err)
		return 1;
	if (wish == CONF_XDP_AUTO) {
		say_note(run->report, "%s: XDP does not work here (%s), tc screens instead",
			 iface->name, strerror(-err));
		return 0;
	}
	say_fault(run->report, "%s: %s XDP does not work here: %s (mtu %u); set xdp = auto",
		  iface->name, wish == CONF_XDP_NATIVE ? "native" : "generic", strerror(-err),
		  iface->mtu);
	return err;
}

static int put_iface(struct run *run, size_t i)
{
	enum conf_side side = (enum conf_side)run->conf->interfaces[i].side;
	const struct iface *iface = &run->ifaces[i];
	const char *name;
	int screened = 0, err;

	if (side == CONF_SIDE_SUBSCRIBER)
		screened = put_screen(run, iface);
	else
		screened = attach_put(&run->attach, ATTACH_XDP, iface->index, -1, 0);
	if (screened < 0)
		return screened;
	name = tc_program_for(side, iface_has_link_header(iface), screened);
	err = attach_put(&run->attach, ATTACH_TC, iface->index,
			 load_program(&run->load, name), 0);
	if (err)
		say_fault(run->report, "%s: cannot attach %s: %s (%s)", iface->name, name,
			  strerror(-err), say_libbpf());
	return err;
}

/* Upstream interfaces first: the way back is there before anything is steered. */
static int put_ifaces(struct run *run)
{
	static const enum conf_side order[] = { CONF_SIDE_UPSTREAM, CONF_SIDE_SUBSCRIBER };
	size_t turn, i;
	int err = 0;

	for (turn = 0; turn < sizeof(order) / sizeof(*order); turn++) {
		for (i = 0; !err && i < run->conf->interface_count; i++) {
			if ((enum conf_side)run->conf->interfaces[i].side == order[turn])
				err = put_iface(run, i);
		}
	}
	return err;
}

static bool is_configured(const void *arg, int ifindex)
{
	const struct run *run = arg;
	size_t i;

	for (i = 0; i < run->conf->interface_count; i++) {
		if (run->ifaces[i].index == ifindex)
			return true;
	}
	return false;
}

static int put_hooks(struct run *run)
{
	int err;

	err = attach_put(&run->attach, ATTACH_LOOKUP, 0,
			 load_program(&run->load, "postern_lookup"), 0);
	if (err)
		return fail(run, "attach postern_lookup", err);
	err = put_ifaces(run);
	if (err)
		return err;
	err = attach_sweep(&run->attach, is_configured, run);
	return err ? fail(run, "detach from interfaces that are no longer configured", err) : 0;
}

static int fill_maps(struct run *run)
{
	int err = fill_policy(&run->load.maps, run->conf, run->report);

	if (err)
		return err;
	err = fill_settings(&run->load.maps, run->conf);
	if (err)
		return fail(run, "write the settings", err);
	/* Programs mark by the new settings now: nothing needs the old rules. */
	err = route_prune(&run->netlink, run->conf);
	return err ? fail(run, "remove stale routing rules", err) : 0;
}

/* Everything after the checks; on error nothing of it remains. */
static int bring_up(struct run *run)
{
	int err;

	err = find_ifaces(run);
	if (err)
		return fail(run, "find the interfaces", err);
	err = load_programs(&run->load, &run->pins, run->report);
	if (err)
		return err;
	err = pins_make(&run->pins);
	if (err) {
		fail(run, "make the directory of pins", err);
		goto undo_pins;
	}
	err = load_pin(&run->load, &run->pins);
	if (err) {
		fail(run, "pin the maps", err);
		goto undo_maps;
	}
	err = route_up(&run->netlink, run->conf, &run->routes);
	if (err) {
		fail(run, "make routing rules and routes", err);
		goto undo_routes;
	}
	err = put_hooks(run);
	if (!err)
		err = fill_maps(run);
	if (!err)
		return 0;
	attach_undo(&run->attach);
undo_routes:
	route_undo(&run->netlink, run->conf, &run->routes);
undo_maps:
	load_unpin(&run->load, &run->pins);
undo_pins:
	pins_undo(&run->pins);
	return err;
}

int steering_up(const struct conf *conf, const struct steering_report *report)
{
	struct run run;
	int err;

	run_init(&run, conf, report);
	err = pins_lock(&run.pins);
	/* Without the lock the checks still tell all that is wrong. */
	if (check_all(conf, report) && !err)
		err = -EINVAL;
	else if (err)
		say_fault(report, "cannot take %s: %s", run.pins.lock_path, strerror(-err));
	if (!err)
		err = netlink_open(&run.netlink);
	if (!err)
		err = bring_up(&run);
	run_release(&run);
	pins_unlock(&run.pins, err && !pins_exist(&run.pins));
	return err;
}

/* ---- down ---- */

static int take_down(struct run *run)
{
	int err;

	err = attach_sweep(&run->attach, NULL, NULL);
	if (err)
		return fail(run, "detach the programs", err);
	err = attach_put(&run->attach, ATTACH_LOOKUP, 0, -1, 0);
	if (err)
		return fail(run, "detach postern_lookup", err);
	err = route_down(&run->netlink);
	if (err)
		return fail(run, "remove routing rules and routes", err);
	err = load_unpin_all(&run->pins);
	if (!err)
		err = pins_remove(&run->pins);
	return err ? fail(run, "remove the pins", err) : 0;
}

int steering_down(const struct conf *conf, const struct steering_report *report)
{
	struct run run;
	int err;

	run_init(&run, conf, report);
	err = pins_lock(&run.pins);
	if (err)
		fail(&run, "take the lock of up and down", err);
	else if (check_place(&run.pins, report))
		err = -EPROTO;
	if (!err)
		err = netlink_open(&run.netlink);
	if (!err)
		err = take_down(&run);
	run_release(&run);
	pins_unlock(&run.pins, !err);
	return err;
}

/* ---- open ---- */

/* A map that is missing, or settings never written: an `up` that was killed. */
static int whole(struct steering *s)
{
	struct postern_settings settings;
	int i, err;

	for (i = 0; i < STEERING_MAP_COUNT; i++) {
		if (s->fd[i] < 0)
			return -ENOENT;
	}
	err = steering_settings_get(s, &settings);
	if (err)
		return err;
	return settings.abi == POSTERN_ABI ? 0 : -ENOENT;
}

int steering_open(const struct conf *conf, struct steering **out)
{
	char other[PINS_PATH];
	struct steering *s;
	struct pins pins;
	int err;

	say_libbpf_begin();
	pins_init(&pins, conf);
	if (!pins_exist(&pins)) {
		if (errno == EACCES)
			return -EACCES;
		return pins_other_layout(&pins, other) ? -EPROTO : -ENOENT;
	}
	s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	steering_view_init(s);
	err = load_pinned(&pins, s, NULL);
	if (!err)
		err = whole(s);
	if (!err)
		err = steering_view_map(s);
	if (err) {
		steering_close(s);
		return err;
	}
	*out = s;
	return 0;
}
