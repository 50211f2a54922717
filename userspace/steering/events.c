// SPDX-License-Identifier: GPL-2.0
/* The ring of sampled decisions, read by one consumer (the clerk). */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "steering/view.h"

struct steering_events {
	struct ring_buffer *ring;
	/* The reader of the running steering_events_read(). */
	void (*each)(void *arg, const struct postern_event *event);
	void *arg;
};

static int take(void *ctx, void *data, size_t size)
{
	struct steering_events *e = ctx;

	if (size >= sizeof(struct postern_event))
		e->each(e->arg, data);
	return 0;
}

int steering_events_open(struct steering *s, struct steering_events **out)
{
	struct steering_events *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->ring = ring_buffer__new(s->fd[STEERING_MAP_events], take, e, NULL);
	if (!e->ring) {
		int err = -errno;

		free(e);
		return err;
	}
	*out = e;
	return 0;
}

int steering_events_fd(const struct steering_events *e)
{
	return ring_buffer__epoll_fd(e->ring);
}

int steering_events_read(struct steering_events *e,
			 void (*each)(void *arg, const struct postern_event *event), void *arg)
{
	e->each = each;
	e->arg = arg;
	return ring_buffer__consume(e->ring);
}

void steering_events_close(struct steering_events *e)
{
	if (!e)
		return;
	ring_buffer__free(e->ring);
	free(e);
}
