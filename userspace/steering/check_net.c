// SPDX-License-Identifier: GPL-2.0
/*
 * The network side of the checks. Sysctls are read through /proc, which shows
 * the caller's network namespace whatever /sys belongs to.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "steering/attach.h"
#include "steering/check.h"
#include "steering/route.h"

struct check {
	const struct conf *conf;
	const struct pins *pins;
	const struct steering_report *report;
	struct netlink netlink;
	bool v4, v6;			/* are there lines of this family? */
};

/* One configured interface. */
struct subject {
	struct check *c;
	struct iface iface;
	enum conf_side side;
};

/* ---- sysctls ---- */

/* Value of net/FAMILY/conf/NAME/KEY or net/FAMILY/KEY (name NULL); -1: there is none. */
static long sysctl_read(const char *family, const char *name, const char *key)
{
	char path[128];
	long value = -1;
	FILE *f;

	if (name)
		snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%.40s/%s", family, name, key);
	else
		snprintf(path, sizeof(path), "/proc/sys/net/%s/%s", family, key);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%ld", &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

static long larger(long a, long b)
{
	return a > b ? a : b;
}

/* A setting that holds where either "all" or the interface has it: the larger counts. */
static long sysctl_effective(const char *name, const char *key)
{
	return larger(sysctl_read("ipv4", "all", key), sysctl_read("ipv4", name, key));
}

static int check_forwarding(const struct subject *s)
{
	static const struct {
		const char *family, *name, *key;
	} rows[] = {
		{ "ipv4", "IPv4", "net/ipv4/ip_forward" },
		{ "ipv6", "IPv6", "net/ipv6/conf/all/forwarding" },
	};
	int faults = 0;
	size_t i;

	for (i = 0; i < 2; i++) {
		if (!(i ? s->c->v6 : s->c->v4) ||
		    sysctl_read(rows[i].family, s->iface.name, "forwarding") > 0)
			continue;
		faults += say_fault(s->c->report,
			"%s: %s forwarding is off; run: sysctl -w %s=1 (and "
			"net/%s/conf/%s/forwarding=1)",
			s->iface.name, rows[i].name, rows[i].key, rows[i].family, s->iface.name);
	}
	return faults;
}

/*
 * The reverse path filter. With src_valid_mark the source of a marked packet
 * is looked up under the mark, where every address is local: unless
 * accept_local is on and the filter is not strict, the packet is dropped.
 * Strict on the upstream side drops the answers that take another way back
 * than the one to the exchanger. On the subscriber side strict is a blessing.
 */
static int check_source_filter(const struct subject *s)
{
	const char *name = s->iface.name;
	long rp_filter = sysctl_effective(name, "rp_filter");
	int faults = 0;

	if (!s->c->v4)
		return 0;
	if (sysctl_effective(name, "src_valid_mark") == 1 &&
	    (rp_filter == 1 || sysctl_effective(name, "accept_local") != 1))
		faults += say_fault(s->c->report,
			"%s: src_valid_mark is on, packets with our mark would be dropped; "
			"run: sysctl -w net/ipv4/conf/all/src_valid_mark=0 "
			"net/ipv4/conf/%s/src_valid_mark=0",
			name, name);
	if (s->side == CONF_SIDE_UPSTREAM && rp_filter == 1)
		faults += say_fault(s->c->report,
			"%s: rp_filter is strict (1) on the upstream side, answers that come "
			"another way would be dropped; run: sysctl -w "
			"net/ipv4/conf/%s/rp_filter=2",
			name, name);
	if (s->side == CONF_SIDE_SUBSCRIBER && rp_filter == 0)
		say_note(s->c->report,
			 "%s: rp_filter is off on the subscriber side, a line can send with "
			 "another's address; run: sysctl -w net/ipv4/conf/%s/rp_filter=1",
			 name, name);
	return faults;
}

/* Settings of the whole host. */
static int check_host(struct check *c)
{
	struct iface lo;
	int faults = 0;

	if (iface_find(&c->netlink, "lo", &lo) || !(lo.flags & IFF_UP))
		faults += say_fault(c->report, "lo is down; run: ip link set lo up");
	if (sysctl_read("ipv4", NULL, "tcp_fwmark_accept") == 1)
		faults += say_fault(c->report,
			"tcp_fwmark_accept is on, our answers to subscribers would be routed "
			"back to us; run: sysctl -w net/ipv4/tcp_fwmark_accept=0");
	if (sysctl_read("ipv4", NULL, "tcp_syncookies") == 0)
		say_note(c->report,
			 "tcp_syncookies is 0, a flood of SYNs can keep lines out; run: "
			 "sysctl -w net/ipv4/tcp_syncookies=1");
	return faults;
}

/* ---- what is on the interface already ---- */

static const char *program_name(int id, struct bpf_prog_info *info)
{
	__u32 size = sizeof(*info);
	int fd = bpf_prog_get_fd_by_id((__u32)id);

	memset(info, 0, sizeof(*info));
	if (fd >= 0) {
		bpf_obj_get_info_by_fd(fd, info, &size);
		close(fd);
	}
	return info->name[0] ? info->name : "without a name";
}

static int check_xdp(const struct subject *s)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);
	struct bpf_prog_info info;
	int ours, id;

	if (s->side != CONF_SIDE_SUBSCRIBER || s->c->conf->xdp == CONF_XDP_OFF ||
	    !iface_has_link_header(&s->iface))
		return 0;
	if (bpf_xdp_query(s->iface.index, 0, &opts))
		return 0;
	attach_xdp_mode(s->c->pins, s->iface.index, &ours);
	id = (int)(opts.drv_prog_id ? opts.drv_prog_id : opts.skb_prog_id ? opts.skb_prog_id :
		   opts.hw_prog_id ? opts.hw_prog_id : opts.prog_id);
	if (!id || id == ours)
		return 0;
	return say_fault(s->c->report,
		"%s: a foreign XDP program is attached (%s, id %d); remove it, or set xdp = off",
		s->iface.name, program_name(id, &info), id);
}

static int check_filter(const struct subject *s)
{
	int err = iface_foreign_filter(&s->c->netlink, s->iface.index, ATTACH_TC_PRIORITY,
				       ATTACH_TC_HANDLE);

	if (!err && attach_tc_owner(s->iface.index) == -EBUSY)
		err = 1;
	if (err <= 0)
		return 0;
	return say_fault(s->c->report,
		"%s: a foreign tc filter stands at ingress priority %d, which is ours; move "
		"it (tc filter show dev %s ingress)",
		s->iface.name, ATTACH_TC_PRIORITY, s->iface.name);
}

/* Large receive offload glues segments of strangers together before XDP sees them. */
static int check_offload(const struct subject *s)
{
	struct ethtool_value value = { .cmd = ETHTOOL_GFLAGS };
	struct ifreq request = { .ifr_data = (void *)&value };
	int fd;

	if (s->side != CONF_SIDE_SUBSCRIBER || s->c->conf->xdp == CONF_XDP_OFF)
		return 0;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	memcpy(request.ifr_name, s->iface.name, IFNAMSIZ);
	if (!ioctl(fd, SIOCETHTOOL, &request) && value.data & ETH_FLAG_LRO)
		say_note(s->c->report,
			 "%s: large receive offload is on, native XDP will not attach; run: "
			 "ethtool -K %s lro off",
			 s->iface.name, s->iface.name);
	close(fd);
	return 0;
}

/* ---- interfaces ---- */

static int check_state(const struct subject *s)
{
	if (s->iface.flags & IFF_UP)
		return 0;
	return say_fault(s->c->report, "%s: the interface is down; run: ip link set %s up",
			 s->iface.name, s->iface.name);
}

static int check_iface(struct check *c, size_t i, int *index)
{
	static int (*const checks[])(const struct subject *s) = {
		check_state, check_forwarding, check_source_filter,
		check_xdp, check_filter, check_offload,
	};
	const char *title = c->conf->interfaces[i].title;
	struct subject s = { .c = c, .side = (enum conf_side)c->conf->interfaces[i].side };
	int faults = 0;
	size_t k;

	*index = 0;
	if (iface_find(&c->netlink, title, &s.iface))
		return say_fault(c->report,
			"%s: there is no such interface here; correct the name in the "
			"configuration",
			title);
	*index = s.iface.index;
	for (k = 0; k < sizeof(checks) / sizeof(*checks); k++)
		faults += checks[k](&s);
	return faults;
}

/* The same interface under two names, or on both sides. */
static int check_twice(const struct check *c, const int *index, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++) {
		if (index[i] && index[k] == index[i])
			return say_fault(c->report,
				"%s: the configuration has this interface twice (as %s too); "
				"remove one",
				c->conf->interfaces[i].title, c->conf->interfaces[k].title);
	}
	return 0;
}

static int check_ifaces(struct check *c)
{
	int *index = calloc(c->conf->interface_count + 1, sizeof(*index));
	int faults = 0;
	size_t i;

	if (!index)
		return say_fault(c->report, "out of memory");
	for (i = 0; i < c->conf->interface_count; i++) {
		faults += check_iface(c, i, &index[i]);
		faults += check_twice(c, index, i);
	}
	free(index);
	return faults;
}

static int check_sides(const struct check *c)
{
	static const char *const names[] = { "subscriber", "upstream" };
	size_t count[2] = { 0 }, i;
	int faults = 0;

	for (i = 0; i < c->conf->interface_count; i++)
		count[c->conf->interfaces[i].side == CONF_SIDE_UPSTREAM]++;
	for (i = 0; i < 2; i++) {
		if (!count[i])
			faults += say_fault(c->report,
				"the configuration names no interface of the %s side; add: "
				"interface \"NAME\" { side = \"%s\" }",
				names[i], names[i]);
	}
	return faults;
}

static void find_families(struct check *c)
{
	size_t i;

	for (i = 0; i < c->conf->pool_count; i++) {
		if (addr_is_v4(&c->conf->pools[i].prefix.addr))
			c->v4 = true;
		else
			c->v6 = true;
	}
	if (!c->v6)
		c->v4 = true;	/* pools may come by hand; then this is the likely family */
}

int check_net(const struct conf *conf, const struct pins *p,
	      const struct steering_report *report)
{
	struct check c = { .conf = conf, .pins = p, .report = report };
	int faults;

	if (netlink_open(&c.netlink))
		return say_fault(report, "cannot open a netlink socket: %s", strerror(errno));
	find_families(&c);
	faults = check_sides(&c);
	faults += check_ifaces(&c);
	faults += check_host(&c);
	faults += route_check(&c.netlink, conf, report);
	netlink_close(&c.netlink);
	return faults;
}
