#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the seeds of fuzz_fat.c by mkfs.fat and mtools: fat_seeds.py DIR.
How they are written is told in fat_input.h."""

import os
import random
import struct
import subprocess
import sys
import tempfile

LINE, PAGE, MOST = 16, 4096, 255
# name: size in KiB, options of mkfs.fat
SEEDS = {
    'fat12': (256, ['-F', '12', '-s', '1', '-r', '32']),
    'fat12_big_clusters': (1024, ['-F', '12', '-s', '16']),
    'fat12_4096': (2048, ['-F', '12', '-S', '4096', '-s', '1']),
    'fat16': (4096, ['-F', '16', '-s', '1']),
    'fat32': (36 * 1024, ['-F', '32', '-s', '1']),
    'fat32_one_table': (36 * 1024, ['-F', '32', '-s', '1', '-f', '1']),
    'empty': (64, ['-F', '12', '-s', '1', '-r', '16']),
}


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, SOURCE_DATE_EPOCH='1000000000',
                            MTOOLS_SKIP_CHECK='1', LC_ALL='C.UTF-8'))


def fill(image, place):
    """A few files, a directory with a few in it, and one in that."""
    tree = os.path.join(place, 'tree')
    os.makedirs(tree + '/sub/deep', exist_ok=True)
    for name, size in (('file', 700), ('A long name.text', 1500),
                       ('sub/x.y', 10), ('sub/deep/file', 0),
                       *(('sub/many%04d' % i, 1) for i in range(12))):
        with open(os.path.join(tree, name), 'wb') as f:
            f.write(b'0' * size)
    for name in sorted(os.listdir(tree)):
        run('mcopy', '-i', image, '-s', os.path.join(tree, name), '::/')


def pieces(data):
    """Where something is, and what; a row of one byte would be long."""
    at = 0
    while at < len(data):
        if not any(data[at:at + LINE]):
            at += LINE
            continue
        end = at
        while end < len(data) and any(data[end:end + LINE]) and \
                end - at < MOST * LINE:
            end += LINE
        yield at, data[at:end]
        at = end


def seed(data, dice):
    found = list(pieces(data))
    out = struct.pack('<HH', len(data) // PAGE, len(found))
    for at, what in found:
        out += struct.pack('<IB', at // LINE, len(what) // LINE) + what
    return out + bytes(dice.randrange(256) for _ in range(300))


def main():
    dice = random.Random(1)
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, (size, options) in SEEDS.items():
        with tempfile.TemporaryDirectory() as place:
            image = os.path.join(place, 'image')
            run('truncate', '-s', '%dK' % size, image)
            run('mkfs.fat', '--invariant', *options, image)
            if name != 'empty':
                fill(image, place)
            with open(image, 'rb') as f:
                made = seed(f.read(), dice)
        assert len(made) <= 8192, (name, len(made))
        with open(os.path.join(sys.argv[1], name), 'wb') as f:
            f.write(made)


if __name__ == '__main__':
    main()
