/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Live devices: a tap or tun in the test's namespace, whose other end the test
 * holds. What it writes comes in through the real tc ingress; what the kernel
 * sends out, it reads.
 */
#ifndef PROG_WIRE_H
#define PROG_WIRE_H

#include "rig.h"
#include "segment.h"

struct wire {
	int		fd;
	unsigned int	ifindex;
	bool		raw;		/* tun: no Ethernet header */
	bool		offload;	/* frames are said to lack their TCP checksum */
};

/* A device that is up, with @program at its tc ingress. Ends the test on error. */
struct wire wire_open(struct rig *r, const char *name, bool raw, enum program program);
void wire_close(struct wire *w);

/* From now on sent frames carry half a checksum, as from a local virtual machine. */
void wire_offload(struct wire *w);

void wire_send(const struct wire *w, const struct frame *f);

/* The next TCP segment to or from @port that comes out; false: none within two seconds. */
bool wire_receive(const struct wire *w, unsigned int port, struct frame *f, struct segment *s);

/* Does none come out within @ms? */
bool wire_quiet(const struct wire *w, unsigned int port, int ms);

/* A client's end of a connection over a wire. */
struct caller {
	const struct wire	*wire;
	struct frame_spec	spec;	/* addresses, ports, tags; the rest is filled in */
	uint32_t		seq, ack;
};

/* Send a segment of @payload octets and count on. */
void caller_send(struct caller *c, unsigned int flags, unsigned int payload);

/* Expect a segment with exactly these flags (PSH apart), and take its numbers. */
struct segment caller_expect(struct caller *c, unsigned int flags);

/* SYN, SYN-ACK, ACK. */
void caller_connect(struct caller *c);

#endif
