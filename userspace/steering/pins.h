/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where steering lives between processes. Internal to steering.
 *
 *	RUN_DIR/steering.lock	taken by up and down; root alone can open it
 *	RUN_DIR/bpf		BPF file system, mounted by `up` unless it is one
 *	RUN_DIR/bpf/v1		this layout's pins (v and POSTERN_ABI), mode 0700
 *	    pools, lines, ...	the maps by name
 *	    lookup		link of the sk_lookup program
 *	    xdp-IFINDEX		link of the XDP program on an interface
 *	    clsact-IFINDEX	directory: the clsact qdisc there is of our making
 */
#ifndef STEERING_PINS_H
#define STEERING_PINS_H

#include <stdbool.h>

#include "base/conf.h"
#include "steering/say.h"

#define PINS_PATH	192

struct pins {
	char run[PINS_PATH];	/* the run directory */
	char bpf[PINS_PATH];	/* the BPF file system */
	char dir[PINS_PATH];	/* the directory of this layout */
	char lock_path[PINS_PATH];
	int lock;		/* descriptor, -1 while not held */
	bool made_mount;	/* so is the mount */
	bool made_dir;		/* so is the directory of this layout */
};

/* What stands at the place of the BPF file system. */
enum pins_mount {
	PINS_NOTHING,		/* no directory, or a plain one */
	PINS_WRITABLE,
	PINS_READ_ONLY,
};

/* Work out the paths; nothing is touched. */
void pins_init(struct pins *p, const struct conf *conf);

/*
 * Take the lock of up and down, making the run directory if need be. Waits a
 * few seconds for another holder, then -EBUSY. pins_unlock() gives it back.
 */
int pins_lock(struct pins *p);

/* Give the lock back; @remove takes its file away, and the run directory if empty. */
void pins_unlock(struct pins *p, bool remove);

enum pins_mount pins_mounted(const struct pins *p);

/* Is there a layout of another release? Its directory at @path (PINS_PATH octets). */
bool pins_other_layout(const struct pins *p, char *path);

/* Mount the BPF file system and make the directory, as far as missing. 0 or -errno. */
int pins_make(struct pins *p);

/* Remove the directory, which is empty by then, and a mount of Postern's making. */
int pins_remove(struct pins *p);

/* Remove what this call's pins_make() made; for undoing. */
void pins_undo(struct pins *p);

/* Is this layout's directory there? errno tells why not. */
bool pins_exist(const struct pins *p);

/* Path of a pin; @index < 0 for none. Returns @path (PINS_PATH octets). */
char *pins_path(const struct pins *p, const char *name, int index, char *path);

/*
 * Call @each with the interface index of each pin or mark called
 * "@kind-IFINDEX". Returns the first non-zero of @each, 0, or -errno.
 */
int pins_each(const struct pins *p, const char *kind,
	      int (*each)(void *arg, int index, const char *path), void *arg);

#endif
