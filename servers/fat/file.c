/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The content of files. There are no holes: what is skipped is written.
 *
 * In which order things are stored: new clusters are chained, filled, and
 * only then is the size in the entry; and the entry is shortened before
 * clusters are taken away and freed. Who stops us between the two leaves a
 * chain that is too long, or that belongs to nobody: never one that two
 * files have.
 */
#include "servers/fat/file.h"

#include <errno.h>

#include "servers/fat/table.h"

/* Where the bytes come from or go to; neither: zeros. */
struct transfer {
	const uint8_t *from;
	uint8_t *to;
};

/* Bytes that are one behind the other in the image, at most n. */
static int find_run(struct fat *f, struct fat_node *node, uint64_t pos,
		    uint64_t n, uint64_t *at, uint64_t *len)
{
	uint32_t index = pos / f->cluster, inside = pos % f->cluster;
	uint32_t wanted, cluster, other, last;
	int err = node_cluster(f, node, &index, &cluster, &last);

	if (err || !cluster)
		return err ? err : -EIO;
	*at = fat_cluster_at(f, cluster) + inside;
	*len = f->cluster - inside;
	while (*len < n) {
		wanted = ++index;
		err = node_cluster(f, node, &wanted, &other, &last);
		if (err)
			return err;
		if (!other || other != ++cluster)
			break;
		*len += f->cluster;
	}
	if (*len > n)
		*len = n;
	return 0;
}

static int transfer(struct fat *f, struct fat_node *node, struct transfer t,
		    uint64_t pos, uint64_t n)
{
	uint64_t at, len;
	int err = 0;

	while (n && !err) {
		err = find_run(f, node, pos, n, &at, &len);
		if (err)
			break;
		if (t.to) {
			err = image_read(&f->image, t.to, len, at);
			t.to += len;
		} else if (t.from) {
			err = image_write(&f->image, t.from, len, at);
			t.from += len;
		} else {
			err = image_zero(&f->image, len, at);
		}
		pos += len;
		n -= len;
	}
	return err;
}

int fat_read(struct fat *f, struct fat_node *n, void *buf, size_t size,
	      uint64_t at, size_t *got)
{
	uint32_t end = node_size(n);

	*got = 0;
	if (node_is_dir(n))
		return -EISDIR;
	if (at >= end)
		return 0;
	if (size > end - at)
		size = end - at;
	*got = size;
	return transfer(f, n, (struct transfer){ .to = buf }, at, size);
}

static uint32_t clusters_of(const struct fat *f, uint64_t size)
{
	return (size + f->cluster - 1) / f->cluster;
}

/* Clusters for this size, behind those that it has. */
static int reserve(struct fat *f, struct fat_node *n, uint64_t size)
{
	uint32_t need = clusters_of(f, size), have = need - 1;
	uint32_t cluster, last, first;
	int err;

	if (!need)
		return 0;
	if (need > f->clusters)
		return -ENOSPC;
	err = node_cluster(f, n, &have, &cluster, &last);
	if (err || cluster)
		return err;
	if (have < clusters_of(f, node_size(n)))
		return -EIO;
	err = table_alloc(f, need - have, last, &first);
	if (err)
		return err;
	if (!last) {
		raw_set_start(f, n->raw, first);
		return 0;
	}
	err = table_link(f, last, first);
	if (err)
		table_free(f, first);
	return err;
}

/* Store the entry; then free what is behind its size. */
static int trim(struct fat *f, struct fat_node *n)
{
	uint32_t keep = clusters_of(f, node_size(n)), index = keep - 1;
	uint32_t rest = raw_start(f, n->raw), cluster, last;
	int err;

	if (!keep)
		raw_set_start(f, n->raw, 0);
	err = node_store(f, n);
	if (!err && keep) {
		err = node_cluster(f, n, &index, &cluster, &last);
		if (!err)
			err = cluster ? table_cut(f, cluster, &rest) : -EIO;
	}
	n->cluster = 0;
	return err ? err : table_free(f, rest);
}

/* Up to size, with n bytes of data from at on, or zeros only. */
static int extend(struct fat *f, struct fat_node *n, uint64_t size,
		  struct transfer t, uint64_t at)
{
	uint32_t old = node_size(n);
	int err = reserve(f, n, size);

	if (err)
		return err;
	if (at > old)
		err = transfer(f, n, (struct transfer){ 0 }, old, at - old);
	if (!err)
		err = transfer(f, n, t, at, size - at);
	if (err) {
		trim(f, n);
		return err;
	}
	put32(n->raw + D_SIZE, size);
	return 0;
}

static int changed(struct fat *f, struct fat_node *n)
{
	raw_stamp(f, n->raw, false);
	n->raw[D_ATTR] |= ATTR_ARCHIVE;
	return node_store(f, n);
}

static int may_write(const struct fat *f, const struct fat_node *n)
{
	return f->readonly ? -EROFS : node_is_dir(n) ? -EISDIR : 0;
}

int fat_write(struct fat *f, struct fat_node *n, const void *buf,
	       size_t size, uint64_t at)
{
	struct transfer t = { .from = buf };
	int err = may_write(f, n);

	if (err || !size)
		return err;
	if (at > FAT_FILE_MAX || size > FAT_FILE_MAX - at)
		return -EFBIG;
	if (at + size > node_size(n))
		err = extend(f, n, at + size, t, at);
	else
		err = transfer(f, n, t, at, size);
	return err ? err : changed(f, n);
}

int fat_truncate(struct fat *f, struct fat_node *n, uint64_t size)
{
	uint32_t old = node_size(n);
	int err = may_write(f, n);

	if (err)
		return err;
	if (size > FAT_FILE_MAX)
		return -EFBIG;
	if (size > old)
		err = extend(f, n, size, (struct transfer){ 0 }, old);
	put32(n->raw + D_SIZE, err ? old : size);
	if (!err)
		err = changed(f, n);
	return err || size >= old ? err : trim(f, n);
}
