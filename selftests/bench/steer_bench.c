// SPDX-License-Identifier: GPL-2.0
/*
 * What the tc program of the subscriber side costs, by BPF_PROG_TEST_RUN: a
 * packet that is none of its business, and a SYN to be steered from a random
 * line of 1,000, 100,000 and 1,000,000. Also the verifier's work per program.
 *
 * A figure is the second percentile of many short rounds, in CPU time of this
 * thread, less the same of a program that does everything but steer: what else
 * runs on the machine disturbs it little. Each round has lines of its own, so
 * none is better by luck.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "back.skel.h"
#include "base/clock.h"
#include "base/addr.h"
#include "lookup.skel.h"
#include "postern/abi.h"
#include "postern/reason.h"
#include "screen.skel.h"
#include "steer.skel.h"
#include "steer_bench.skel.h"

#define ROUNDS		400
#define REPEAT		4000
#define UNDISTURBED	(ROUNDS / 50)	/* as good a round there is on a busy machine too */
#define POOLS		16
#define FIRST4		0x0a400000u	/* 10.64.0.0/12 */
#define FIRST6		0x00640000u	/* 2001:db8:64::, lines of /64 */
#define VERIFIER_LIMIT	500000

struct frame {
	unsigned char octet[128];
	unsigned int len;
};

static int failures;

static void target(const char *what, double ns, double most)
{
	printf("%-56s %7.1f ns   target %5.0f  %s\n", what, ns, most,
	       ns <= most ? "ok" : "MISSED");
	failures += ns > most;
}

static void put(struct frame *f, const void *octets, unsigned int len)
{
	memcpy(f->octet + f->len, octets, len);
	f->len += len;
}

static void put_ether(struct frame *f, unsigned int type)
{
	struct ethhdr eth = { .h_dest = { 2, 0, 0, 0, 0, 1 }, .h_source = { 2, 0, 0, 0, 0, 2 } };

	memset(f, 0, sizeof(*f));
	eth.h_proto = htons(type);
	put(f, &eth, sizeof(eth));
}

static void put_ip4(struct frame *f, unsigned int protocol, unsigned int octets)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = protocol };

	put_ether(f, ETH_P_IP);
	ip.tot_len = htons(sizeof(ip) + octets);
	ip.saddr = htonl(FIRST4 + 1);
	ip.daddr = inet_addr("198.51.100.25");
	put(f, &ip, sizeof(ip));
}

static void put_ip6(struct frame *f, unsigned int protocol, unsigned int octets)
{
	struct ip6_hdr ip = { .ip6_flow = htonl(6u << 28), .ip6_nxt = protocol, .ip6_hlim = 64 };

	put_ether(f, ETH_P_IPV6);
	ip.ip6_plen = htons(octets);
	inet_pton(AF_INET6, "2001:db8:64::1", &ip.ip6_src);
	inet_pton(AF_INET6, "2001:db8:25::25", &ip.ip6_dst);
	put(f, &ip, sizeof(ip));
}

static void put_tcp(struct frame *f, unsigned int port, bool syn)
{
	struct tcphdr tcp = { .source = htons(40000), .doff = 5 };

	tcp.dest = htons(port);
	tcp.syn = syn;
	tcp.ack = !syn;
	put(f, &tcp, sizeof(tcp));
}

static struct frame frame_tcp(unsigned int family, unsigned int port, bool syn)
{
	struct frame f;

	if (family == 4)
		put_ip4(&f, IPPROTO_TCP, sizeof(struct tcphdr));
	else
		put_ip6(&f, IPPROTO_TCP, sizeof(struct tcphdr));
	put_tcp(&f, port, syn);
	return f;
}

static struct frame frame_udp(void)
{
	struct udphdr udp = { .source = htons(53), .dest = htons(40000), .len = htons(8) };
	unsigned char pad[32] = { 0 };
	struct frame f;

	put_ip4(&f, IPPROTO_UDP, sizeof(udp) + sizeof(pad));
	put(&f, &udp, sizeof(udp));
	put(&f, pad, sizeof(pad));
	return f;
}

/* What this thread has used of a CPU: others on the machine do not count. */
static uint64_t clock_used(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* One round: ns of a run on average. */
static double round_of(const struct bpf_program *prog, const struct frame *f, int *verdict)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->octet, .data_size_in = f->len,
		    .repeat = REPEAT);
	uint64_t before = clock_used();

	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts))
		err(1, "BPF_PROG_TEST_RUN");
	*verdict = (int)opts.retval;
	return (double)(clock_used() - before) / REPEAT;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* A run of @prog, in ns; it must return @want. */
static double run(const struct bpf_program *prog, const struct frame *f, int want)
{
	double ns[ROUNDS];
	int i, verdict;

	for (i = 0; i < ROUNDS; i++) {
		ns[i] = round_of(prog, f, &verdict);
		if (verdict != want)
			errx(1, "program returned %d, expected %d", verdict, want);
	}
	qsort(ns, ROUNDS, sizeof(*ns), by_size);
	return ns[UNDISTURBED];
}

/* Twice, for what disturbs may last as long as one set of rounds. */
static double cost(const struct bpf_program *prog, const struct bpf_program *base,
		   const struct frame *f)
{
	double first = run(prog, f, -1) - run(base, f, -1);
	double second = run(prog, f, -1) - run(base, f, -1);

	return first < second ? first : second;
}

static void update(const struct bpf_map *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY))
		err(1, "map %s", bpf_map__name(map));
}

static void fill_pools(const struct steer_bench_bpf *b)
{
	struct postern_pool pool = { .treatment = POSTERN_STEER, .line_len = 128, .rollout = 100 };
	struct postern_prefix key;
	char text[ADDR_TEXT];
	int i;

	for (i = 0; i < POOLS; i++) {
		snprintf(text, sizeof(text), "100.64.%d.0/24", i);
		if (prefix_parse(text, &key))
			errx(1, "%s", text);
		pool.prefix_len = key.prefix_len;
		update(b->maps.pools, &key, &pool);
	}
	prefix_parse("10.64.0.0/12", &key);
	pool.prefix_len = key.prefix_len;
	update(b->maps.pools, &key, &pool);
	prefix_parse("2001:db8::/32", &key);
	pool.prefix_len = key.prefix_len;
	pool.line_len = 64;
	update(b->maps.pools, &key, &pool);
}

static void fill_destinations(const struct steer_bench_bpf *b)
{
	static const char *const own[] = { "10.64.0.1", "192.0.2.1", "203.0.113.1",
					   "2001:db8:64::ffff", "2001:db8:2::1" };
	struct postern_destination rule = { .rule = POSTERN_DEST_OWN };
	struct postern_prefix key;
	size_t i;

	for (i = 0; i < sizeof(own) / sizeof(*own); i++) {
		prefix_parse(own[i], &key);
		update(b->maps.destinations, &key, &rule);
	}
	rule.rule = POSTERN_DEST_PASS;
	prefix_parse("192.0.2.24/30", &key);
	update(b->maps.destinations, &key, &rule);
}

static void fill_settings(const struct steer_bench_bpf *b, unsigned int sample)
{
	struct postern_settings set = {
		.abi = POSTERN_ABI, .stale_ns = POSTERN_FOREVER >> 1, .mark = 0x19,
		.mark_mask = 0xff, .workers = 2, .sample = sample,
	};
	__u32 zero = 0;

	update(b->maps.settings, &zero, &set);
}

/* Two listeners, as two workers would bring. */
static void fill_workers(const struct steer_bench_bpf *b)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	uint64_t now = clock_boot();
	__u32 i;

	for (i = 0; i < 2; i++) {
		int fd = socket(AF_INET6, SOCK_STREAM, 0);
		uint64_t value = fd;

		if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 16))
			err(1, "listener");
		update(b->maps.listeners, &i, &value);
		update(b->maps.heartbeats, &i, &now);
	}
}

/* The @n-th line, as a key. */
static struct postern_addr line_key(unsigned int family, unsigned int n)
{
	struct postern_addr a = { 0 };

	if (family == 4) {
		a.word[2] = htonl(0xffff);
		a.word[3] = htonl(FIRST4 + n);
		return a;
	}
	a.word[0] = htonl(0x20010db8);
	a.word[1] = htonl(FIRST6 + n);
	return a;
}

static void fill_lines(const struct steer_bench_bpf *b, unsigned int family, unsigned int from,
		       unsigned int to)
{
	struct postern_line line = { .class = POSTERN_CLASS_INHERIT };
	unsigned int n;

	for (n = from; n < to; n++) {
		struct postern_addr key = line_key(family, n);

		line.subscriber = n + 1;
		update(b->maps.lines, &key, &line);
	}
}

static uint64_t counter(const struct steer_bench_bpf *b, __u32 reason)
{
	uint64_t value[256] = { 0 }, sum = 0;
	int i, cpus = libbpf_num_possible_cpus();

	if (cpus > 256 || bpf_map_lookup_elem(bpf_map__fd(b->maps.counters), &reason, value))
		err(1, "counters");
	for (i = 0; i < cpus; i++)
		sum += value[i];
	return sum;
}

static void bench_plain(const struct steer_bpf *steer, const struct steer_bench_bpf *b)
{
	struct frame udp = frame_udp(), web = frame_tcp(4, 443, false);
	struct frame web6 = frame_tcp(6, 443, false);
	const struct bpf_program *prog = steer->progs.postern_steer, *base = b->progs.bench_empty;

	target("UDP", cost(prog, base, &udp), 20);
	target("TCP to port 443", cost(prog, base, &web), 20);
	target("TCP to port 443, IPv6", cost(prog, base, &web6), 20);
}

static void bench_syn(struct steer_bench_bpf *b, unsigned int family, unsigned int lines,
		      double most)
{
	struct frame syn = frame_tcp(family, 25, true);
	uint64_t before = counter(b, POSTERN_R_steered);
	char what[80];
	double ns;

	b->data->bench_lines = lines;
	b->bss->bench_first = family == 4 ? FIRST4 : FIRST6;
	ns = cost(b->progs.bench_steer, b->progs.bench_base, &syn);
	if (counter(b, POSTERN_R_steered) - before != (uint64_t)2 * ROUNDS * REPEAT)
		errx(1, "not every SYN was steered");
	snprintf(what, sizeof(what), "SYN from one of %u lines, IPv%u", lines, family);
	target(what, ns, most);
}

static void bench_lines(struct steer_bench_bpf *b, unsigned int family)
{
	static const struct {
		unsigned int lines;
		double most;
	} step[] = { { 1000, 150 }, { 100000, 600 }, { 1000000, 600 } };
	unsigned int i, have = 0;

	for (i = 0; i < sizeof(step) / sizeof(*step); i++) {
		fill_lines(b, family, have, step[i].lines);
		have = step[i].lines;
		bench_syn(b, family, have, step[i].most);
	}
}

/* The number before "insns" in what the verifier says of itself. */
static void verifier_row(const struct bpf_program *prog, const char *log)
{
	const char *p = strstr(log, "processed ");
	long n = p ? atol(p + strlen("processed ")) : -1;

	printf("%-56s %7ld      target %d  %s\n", bpf_program__name(prog), n, VERIFIER_LIMIT,
	       n >= 0 && n < VERIFIER_LIMIT ? "ok" : "MISSED");
	failures += n < 0 || n >= VERIFIER_LIMIT;
}

static void verifier_object(const void *octets, size_t size)
{
	struct bpf_object *o = bpf_object__open_mem(octets, size, NULL);
	static char log[4][4096];
	struct bpf_program *prog;
	int i = 0;

	bpf_object__for_each_program(prog, o) {
		bpf_program__set_log_level(prog, 4);
		bpf_program__set_log_buf(prog, log[i++], sizeof(*log));
	}
	if (bpf_object__load(o))
		err(1, "load");
	i = 0;
	bpf_object__for_each_program(prog, o)
		verifier_row(prog, log[i++]);
	bpf_object__close(o);
}

static void bench_verifier(void)
{
	size_t size;
	const void *octets = screen_bpf__elf_bytes(&size);

	verifier_object(octets, size);
	octets = steer_bpf__elf_bytes(&size);
	verifier_object(octets, size);
	octets = back_bpf__elf_bytes(&size);
	verifier_object(octets, size);
	octets = lookup_bpf__elf_bytes(&size);
	verifier_object(octets, size);
}

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		err(1, "lo");
	close(fd);
}

static int load_lookup(const struct steer_bench_bpf *b, struct lookup_bpf **out)
{
	struct lookup_bpf *l = lookup_bpf__open();
	struct bpf_map *map, *ours;

	if (!l)
		err(1, "lookup");
	bpf_object__for_each_map(map, l->obj) {
		ours = bpf_object__find_map_by_name(b->obj, bpf_map__name(map));
		if (ours && bpf_map__reuse_fd(map, bpf_map__fd(ours)))
			err(1, "reuse %s", bpf_map__name(map));
	}
	if (lookup_bpf__load(l))
		err(1, "load lookup");
	*out = l;
	return bpf_program__fd(l->progs.postern_lookup);
}

static void told(const char *what, double ns)
{
	printf("%-56s %7.1f ns\n", what, ns);
}

/* The program that picks the listener, where the stack asks it: one line again and again. */
static void bench_pick(int prog)
{
	struct bpf_sk_lookup ctx = { .family = AF_INET, .protocol = IPPROTO_TCP, .local_port = 25 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx),
		    .repeat = 100000);
	uint64_t before;

	ctx.remote_ip4 = htonl(FIRST4 + 1);
	ctx.local_ip4 = inet_addr("198.51.100.25");
	before = clock_used();
	if (bpf_prog_test_run_opts(prog, &opts))
		err(1, "BPF_PROG_TEST_RUN of lookup");
	told("listener picked for one line", (double)(clock_used() - before) / opts.repeat);
}

/*
 * Segments that belong to no session of ours, alone and with the sk_lookup
 * program attached, which the search for a socket would run.
 */
static void bench_lookup(struct steer_bench_bpf *b)
{
	struct frame ack = frame_tcp(4, 25, false);
	int netns = open("/proc/self/ns/net", O_RDONLY), link;
	struct lookup_bpf *l;
	int prog = load_lookup(b, &l);

	b->data->bench_lines = 1000;
	b->bss->bench_first = FIRST4;
	told("segment of a direct session, 1000 lines",
	     cost(b->progs.bench_steer, b->progs.bench_base, &ack));
	link = bpf_link_create(prog, netns, BPF_SK_LOOKUP, NULL);
	if (link < 0)
		err(1, "attach lookup");
	told("the same with the sk_lookup program attached",
	     cost(b->progs.bench_steer, b->progs.bench_base, &ack));
	bench_pick(prog);
	close(link);
	close(netns);
	lookup_bpf__destroy(l);
}

int main(void)
{
	struct steer_bench_bpf *b;
	struct steer_bpf *steer;

	if (unshare(CLONE_NEWNET))
		err(1, "unshare");
	loopback_up();
	bench_verifier();
	b = steer_bench_bpf__open_and_load();
	steer = steer_bpf__open_and_load();
	if (!b || !steer)
		err(1, "load");
	fill_pools(b);
	fill_destinations(b);
	fill_settings(b, 0);
	fill_workers(b);
	bench_plain(steer, b);
	bench_lines(b, 4);
	bench_lines(b, 6);
	bench_lookup(b);
	return failures ? 1 : 0;
}
