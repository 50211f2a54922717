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

int steering_pool_set(struct steering *s, const struct postern_prefix *key,
		      const struct postern_pool *pool)
{
	struct postern_pool value = *pool;
	struct postern_prefix clean;
	int err = trie_key(key, &clean);

	if (err)
		return err;
	value.prefix_len = (__u8)clean.prefix_len;
	return bpf_map_update_elem(s->fd[STEERING_MAP_pools], &clean, &value, BPF_ANY);
}

int steering_pool_get(struct steering *s, const struct postern_prefix *key,
		      struct postern_pool *pool)
{
	struct postern_prefix clean;
	int err = trie_key(key, &clean);

	if (!err)
		err = bpf_map_lookup_elem(s->fd[STEERING_MAP_pools], &clean, pool);
	/* The trie also answers with a shorter prefix that holds the key. */
	if (!err && pool->prefix_len != clean.prefix_len)
		err = -ENOENT;
	return err;
}

int steering_pool_del(struct steering *s, const struct postern_prefix *key)
{
	struct postern_prefix clean;
	int err = trie_key(key, &clean);

	return err ? err : bpf_map_delete_elem(s->fd[STEERING_MAP_pools], &clean);
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
	struct postern_prefix clean;
	int err = trie_key(key, &clean);

	if (err)
		return err;
	row.prefix_len = (__u8)clean.prefix_len;
	return bpf_map_update_elem(s->fd[STEERING_MAP_destinations], &clean, &row, BPF_ANY);
}

int steering_destination_get(struct steering *s, const struct postern_prefix *key,
			     struct postern_destination *value)
{
	struct postern_prefix clean;
	int err = trie_key(key, &clean);

	if (!err)
		err = bpf_map_lookup_elem(s->fd[STEERING_MAP_destinations], &clean, value);
	if (!err && value->prefix_len != clean.prefix_len)
		err = -ENOENT;
	return err;
}

int steering_destination_del(struct steering *s, const struct postern_prefix *key)
{
	struct postern_prefix clean;
	int err = trie_key(key, &clean);

	return err ? err : bpf_map_delete_elem(s->fd[STEERING_MAP_destinations], &clean);
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
