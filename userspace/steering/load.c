// SPDX-License-Identifier: GPL-2.0
/*
 * The four BPF objects as they were compiled in. All of them declare the same
 * maps; whichever is loaded first makes a map that was not pinned, the others
 * share it. The objects' declarations are also what pinned maps are held
 * against. Runs in `postern up` and, for the declarations, in open.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "back.skel.h"
#include "lookup.skel.h"
#include "screen.skel.h"
#include "steer.skel.h"
#include "steering/load.h"

static const struct {
	const char *name;
	const void *(*octets)(size_t *size);
} rows[LOAD_OBJECTS] = {
	{ "screen", screen_bpf__elf_bytes },
	{ "steer", steer_bpf__elf_bytes },
	{ "back", back_bpf__elf_bytes },
	{ "lookup", lookup_bpf__elf_bytes },
};

static bool is_map(const struct bpf_map *map, struct bpf_map_info *info)
{
	return info->type == bpf_map__type(map) && info->key_size == bpf_map__key_size(map) &&
	       info->value_size == bpf_map__value_size(map) &&
	       info->max_entries == bpf_map__max_entries(map) &&
	       info->map_flags == bpf_map__map_flags(map) &&
	       !strncmp(info->name, bpf_map__name(map), sizeof(info->name) - 1);
}

static int refuse_map(const char *path, const struct bpf_map *map,
		      const struct bpf_map_info *info, const struct steering_report *report)
{
	say_fault(report,
		  "%s is not Postern's map of layout %d: name %s type %u key %u value %u "
		  "entries %u flags 0x%x, expected %s %u %u %u %u 0x%x; remove it, or run "
		  "`postern down` of the release that made it",
		  path, POSTERN_ABI, info->name, info->type, info->key_size, info->value_size,
		  info->max_entries, info->map_flags, bpf_map__name(map), bpf_map__type(map),
		  bpf_map__key_size(map), bpf_map__value_size(map), bpf_map__max_entries(map),
		  bpf_map__map_flags(map));
	return -EPROTO;
}

/* A descriptor of the pinned map, -ENOENT, or -errno with words. */
static int open_pinned(const struct pins *p, const struct bpf_map *map,
		       const struct steering_report *report)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	char path[PINS_PATH];
	int fd;

	fd = bpf_obj_get(pins_path(p, bpf_map__name(map), -1, path));
	if (fd == -ENOENT)
		return fd;
	if (fd < 0) {
		say_fault(report, "cannot open %s: %s", path, strerror(-fd));
		return fd;
	}
	if (!bpf_obj_get_info_by_fd(fd, &info, &size) && is_map(map, &info))
		return fd;
	close(fd);
	return refuse_map(path, map, &info, report);
}

static struct bpf_object *open_object(size_t i)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = rows[i].name);
	size_t size;
	const void *octets = rows[i].octets(&size);

	return bpf_object__open_mem(octets, size, &opts);
}

int load_pinned(const struct pins *p, struct steering *maps,
		const struct steering_report *report)
{
	struct bpf_object *object = open_object(0);	/* each declares all maps */
	struct bpf_map *map;
	int i, err = 0;

	if (!object)
		return -errno;
	for (i = 0; !err && i < STEERING_MAP_COUNT; i++) {
		map = bpf_object__find_map_by_name(object, steering_map_name(i));
		maps->fd[i] = map ? open_pinned(p, map, report) : -EPROTO;
		if (maps->fd[i] < 0 && maps->fd[i] != -ENOENT)
			err = maps->fd[i];
		if (maps->fd[i] < 0)
			maps->fd[i] = -1;
	}
	bpf_object__close(object);
	return err;
}

/* Let the object use the maps that there are; it makes the rest. */
static int lend_maps(struct bpf_object *object, const struct steering *maps)
{
	struct bpf_map *map;
	int id, err = 0;

	bpf_object__for_each_map(map, object) {
		id = steering_map_find(bpf_map__name(map));
		if (!err && id >= 0 && maps->fd[id] >= 0)
			err = bpf_map__reuse_fd(map, maps->fd[id]);
	}
	return err;
}

/*
 * Keep descriptors of the maps that the object has made. A map can come out
 * without its name where libbpf, short of memory, takes the kernel for an old
 * one: nobody would know it again, so it is refused here.
 */
static int keep_maps(const struct bpf_object *object, struct steering *maps)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	struct bpf_map *map;
	int id;

	bpf_object__for_each_map(map, object) {
		id = steering_map_find(bpf_map__name(map));
		if (id < 0 || maps->fd[id] >= 0)
			continue;
		maps->fd[id] = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3);
		if (maps->fd[id] < 0)
			return -errno;
		if (bpf_obj_get_info_by_fd(maps->fd[id], &info, &size) || !is_map(map, &info))
			return -EPROTO;
	}
	return 0;
}

static int load_object(struct load *l, size_t i)
{
	int err;

	l->object[i] = open_object(i);
	if (!l->object[i])
		return -errno;
	err = lend_maps(l->object[i], &l->maps);
	if (!err)
		err = bpf_object__load(l->object[i]);
	return err ? err : keep_maps(l->object[i], &l->maps);
}

int load_programs(struct load *l, const struct pins *p, const struct steering_report *report)
{
	size_t i;
	int err;

	memset(l, 0, sizeof(*l));
	steering_view_init(&l->maps);
	err = load_pinned(p, &l->maps, report);
	if (err)
		return err;
	for (i = 0; i < STEERING_MAP_COUNT; i++)
		l->pinned[i] = l->maps.fd[i] >= 0;
	for (i = 0; !err && i < LOAD_OBJECTS; i++) {
		say_libbpf_begin();
		err = load_object(l, i);
		if (err)
			say_fault(report, "the kernel refused BPF object %s: %s (%s)",
				  rows[i].name, strerror(-err), say_libbpf());
	}
	return err;
}

int load_pin(struct load *l, const struct pins *p)
{
	char path[PINS_PATH];
	int i, err = 0;

	for (i = 0; !err && i < STEERING_MAP_COUNT; i++) {
		if (l->pinned[i])
			continue;
		err = bpf_obj_pin(l->maps.fd[i], pins_path(p, steering_map_name(i), -1, path));
		l->made[i] = !err;
	}
	return err;
}

void load_unpin(struct load *l, const struct pins *p)
{
	char path[PINS_PATH];
	int i;

	for (i = 0; i < STEERING_MAP_COUNT; i++) {
		if (l->made[i])
			unlink(pins_path(p, steering_map_name(i), -1, path));
	}
}

int load_unpin_all(const struct pins *p)
{
	char path[PINS_PATH];
	int i;

	for (i = 0; i < STEERING_MAP_COUNT; i++) {
		if (unlink(pins_path(p, steering_map_name(i), -1, path)) && errno != ENOENT)
			return -errno;
	}
	return 0;
}

int load_program(const struct load *l, const char *name)
{
	struct bpf_program *program;
	size_t i;

	for (i = 0; i < LOAD_OBJECTS; i++) {
		program = bpf_object__find_program_by_name(l->object[i], name);
		if (program)
			return bpf_program__fd(program);
	}
	return -ENOENT;
}

void load_release(struct load *l)
{
	size_t i;

	for (i = 0; i < LOAD_OBJECTS; i++)
		bpf_object__close(l->object[i]);
	steering_view_release(&l->maps);
}
