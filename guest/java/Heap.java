// SPDX-License-Identifier: GPL-2.0

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;

/** A heap that grows to so many MiB and is collected, each when standard input says so. */
final class Heap {
	private static final int PIECE = 16 << 10;

	private static List<byte[]> grow(int mib) {
		List<byte[]> pieces = new ArrayList<>();
		for (long bytes = 0; bytes < (long) mib << 20; bytes += PIECE) {
			byte[] piece = new byte[PIECE];
			piece[0] = 1;
			pieces.add(piece);
		}
		return pieces;
	}

	private static void say(String word) {
		System.out.println(word);
		System.out.flush();
	}

	public static void main(String[] args) throws IOException {
		BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
		say("ready");
		in.readLine();
		List<byte[]> pieces = grow(Integer.parseInt(args[0]));
		say("full " + pieces.size());
		in.readLine();
		pieces = null;
		System.gc();
		say("empty");
		in.readLine();
	}
}
