// SPDX-License-Identifier: GPL-2.0
/*
 * Reading and editing the policy maps: pools, lines, destinations, classes,
 * settings. Needs map descriptors and nothing else.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "base/addr.h"
#include "steering/view.h"

/* A key as it stands in a trie: no bits behind its length. */
static int trie_key(const struct postern_prefix *from, struct postern_prefix *key)
{
	if (from->prefix_len > 128)
		return -ERANGE;
	*key = *from;
	addr_mask(&key->addr, key->prefix_len);
	return 0;
}

static int trie_set(int fd, const struct postern_prefix *at, const void *value)
{
	struct postern_prefix key;
	int err = trie_key(at, &key);

	return err ? err : bpf_map_update_elem(fd, &key, value, BPF_ANY);
}

/*
 * The trie answers also with a shorter prefix that holds the key; @length, a
 * field of @value, tells.
 */
static int trie_get(int fd, const struct postern_prefix *at, void *value, const __u8 *length)
{
	struct postern_prefix key;
	int err = trie_key(at, &key);

	if (!err)
		err = bpf_map_lookup_elem(fd, &key, value);
	return !err && *length != key.prefix_len ? -ENOENT : err;
}

static int trie_del(int fd, const struct postern_prefix *at)
{
	struct postern_prefix key;
	int err = trie_key(at, &key);

	return err ? err : bpf_map_delete_elem(fd, &key);
}

int steering_pool_set(struct steering *s, const struct postern_prefix *key,
		      const struct postern_pool *pool)
{
	struct postern_pool value = *pool;

	value.prefix_len = (__u8)key->prefix_len;
	return trie_set(s->fd[STEERING_MAP_pools], key, &value);
}

int steering_pool_get(struct steering *s, const struct postern_prefix *key,
		      struct postern_pool *pool)
{
	return trie_get(s->fd[STEERING_MAP_pools], key, pool, &pool->prefix_len);
}

int steering_pool_del(struct steering *s, const struct postern_prefix *key)
{
	return trie_del(s->fd[STEERING_MAP_pools], key);
}

int steering_line_set(struct steering *s, const struct postern_addr *line,
		      const struct postern_line *value)
{
	return bpf_map_update_elem(s->fd[STEERING_MAP_lines], line, value, BPF_ANY);
}

int steering_line_get(struct steering *s, const struct postern_addr *line,
		      struct postern_line *value)
{
	return bpf_map_lookup_elem(s->fd[STEERING_MAP_lines], line, value);
}

int steering_line_del(struct steering *s, const struct postern_addr *line)
{
	return bpf_map_delete_elem(s->fd[STEERING_MAP_lines], line);
}

int steering_destination_set(struct steering *s, const struct postern_prefix *key,
			     const struct postern_destination *value)
{
	struct postern_destination row = *value;

	row.prefix_len = (__u8)key->prefix_len;
	return trie_set(s->fd[STEERING_MAP_destinations], key, &row);
}

int steering_destination_get(struct steering *s, const struct postern_prefix *key,
			     struct postern_destination *value)
{
	return trie_get(s->fd[STEERING_MAP_destinations], key, value, &value->prefix_len);
}

int steering_destination_del(struct steering *s, const struct postern_prefix *key)
{
	return trie_del(s->fd[STEERING_MAP_destinations], key);
}

int steering_class_get(struct steering *s, unsigned int id, struct postern_class *value)
{
	uint32_t key = id;
	int err;

	if (id >= POSTERN_MAX_CLASSES)
		return -ERANGE;
	err = bpf_map_lookup_elem(s->fd[STEERING_MAP_classes], &key, value);
	return err ? err : value->name[0] ? 0 : -ENOENT;
}

int steering_class_set(struct steering *s, unsigned int id, const struct postern_class *value)
{
	uint32_t key = id;

	if (id >= POSTERN_MAX_CLASSES)
		return -ERANGE;
	return bpf_map_update_elem(s->fd[STEERING_MAP_classes], &key, value, BPF_ANY);
}

int steering_settings_get(struct steering *s, struct postern_settings *value)
{
	uint32_t key = 0;

	return bpf_map_lookup_elem(s->fd[STEERING_MAP_settings], &key, value);
}

int steering_settings_set(struct steering *s, const struct postern_settings *value)
{
	uint32_t key = 0;

	return bpf_map_update_elem(s->fd[STEERING_MAP_settings], &key, value, BPF_ANY);
}
