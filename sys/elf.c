/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The little that a view needs of ELF. The kernel finds PT_INTERP by its
 * own eyes; where the view has another file at that name, the program runs
 * from a copy whose PT_INTERP names a descriptor. All numbers in the file
 * are the guest's, hence every one is checked.
 */
#include "sys/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "view/place.h"

#define PHDR_MAX 256
#define DATA_MAX (1ll << 30)	/* that a copy may hold */

static bool read_at(int fd, void *buf, size_t len, uint64_t off)
{
	return off < INT64_MAX && pread(fd, buf, len, off) == (ssize_t)len;
}

static int read_path(int fd, uint64_t off, uint64_t len,
		     struct elf_interp *interp)
{
	if (len < 2 || len > sizeof(interp->path) ||
	    !read_at(fd, interp->path, len, off) || interp->path[len - 1])
		return -ENOEXEC;
	return 1;
}

static int find64(int fd, struct elf_interp *interp)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	if (!read_at(fd, &eh, sizeof(eh), 0) ||
	    eh.e_phentsize != sizeof(ph) || eh.e_phnum > PHDR_MAX)
		return 0;
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		interp->header = eh.e_phoff + i * sizeof(ph);
		if (!read_at(fd, &ph, sizeof(ph), interp->header))
			return 0;
		if (ph.p_type == PT_INTERP)
			return read_path(fd, ph.p_offset, ph.p_filesz, interp);
	}
	return 0;
}

static int find32(int fd, struct elf_interp *interp)
{
	Elf32_Ehdr eh;
	Elf32_Phdr ph;

	if (!read_at(fd, &eh, sizeof(eh), 0) ||
	    eh.e_phentsize != sizeof(ph) || eh.e_phnum > PHDR_MAX)
		return 0;
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		interp->header = eh.e_phoff + i * sizeof(ph);
		if (!read_at(fd, &ph, sizeof(ph), interp->header))
			return 0;
		if (ph.p_type == PT_INTERP)
			return read_path(fd, ph.p_offset, ph.p_filesz, interp);
	}
	return 0;
}

int elf_find_interp(int fd, struct elf_interp *interp)
{
	unsigned char ident[EI_NIDENT];

	if (!read_at(fd, ident, sizeof(ident), 0) ||
	    memcmp(ident, ELFMAG, SELFMAG))
		return 0;
	interp->wide = ident[EI_CLASS] == ELFCLASS64;
	return interp->wide ? find64(fd, interp) : find32(fd, interp);
}

static int copy_range(int from, int to, off_t off, off_t end)
{
	if (lseek(to, off, SEEK_SET) < 0)
		return -errno;
	while (off < end) {
		ssize_t n = sendfile(to, from, &off, end - off);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
	}
	return 0;
}

/* Holes stay holes: a guest's file of a terabyte must not fill the memory. */
static int copy_file(int from, int to, off_t size)
{
	off_t at = 0, end, data = 0;
	int err = ftruncate(to, size) ? -errno : 0;

	while (!err && at < size) {
		at = lseek(from, at, SEEK_DATA);
		if (at < 0)
			return errno == ENXIO ? 0 : -errno;
		end = lseek(from, at, SEEK_HOLE);
		if (end < 0 || end > size)
			end = size;
		data += end - at;
		err = data > DATA_MAX ? -ENOMEM : copy_range(from, to, at, end);
		at = end;
	}
	return err;
}

/* Make the program header point to a path at the end of the file. */
static int patch(int fd, const struct elf_interp *interp, off_t end,
		 const char *path)
{
	size_t len = strlen(path) + 1;
	Elf64_Phdr wide;
	Elf32_Phdr narrow;
	void *ph = interp->wide ? (void *)&wide : &narrow;
	size_t size = interp->wide ? sizeof(wide) : sizeof(narrow);

	if (!read_at(fd, ph, size, interp->header))
		return -EIO;
	if (interp->wide) {
		wide.p_offset = end;
		wide.p_filesz = wide.p_memsz = len;
	} else {
		narrow.p_offset = end;
		narrow.p_filesz = narrow.p_memsz = len;
	}
	if (pwrite(fd, ph, size, interp->header) != (ssize_t)size ||
	    pwrite(fd, path, len, end) != (ssize_t)len)
		return -EIO;
	return 0;
}

/* An open for writing would make its execution ETXTBSY. */
static int read_only(int fd)
{
	char link[32];
	int ro;

	ro = open(fd_link(fd, link), O_RDONLY | O_CLOEXEC);
	return ro < 0 ? -errno : ro;
}

int elf_with_interp(int fd, const struct elf_interp *interp,
		    const char *name, const char *path)
{
	struct stat st;
	int copy, err;

	if (fstat(fd, &st))
		return -errno;
	copy = memfd_create(name, MFD_CLOEXEC);
	if (copy < 0)
		return -errno;
	err = copy_file(fd, copy, st.st_size);
	if (!err)
		err = patch(copy, interp, st.st_size, path);
	if (!err && fchmod(copy, 0755))
		err = -errno;
	if (!err)
		err = read_only(copy);
	close(copy);
	return err;
}
