// Package align finds what two sequences have in common, so that what differs can
// be compared piece by piece.
package align

// A Gap is a place where the sequences differ: elements OldFrom to OldTo of the old
// one stand where NewFrom to NewTo of the new one do. Either range may be empty.
type Gap struct{ OldFrom, OldTo, NewFrom, NewTo int }

// Cells bounds the table of a comparison, of two bytes each: 2 MB, and under 10 ms.
// Two lists of a thousand elements that differ throughout fit in.
const Cells = 1 << 20

// Gaps returns where the sequences of hashes differ, by a longest common
// subsequence, in order. When what lies between their common beginning and their
// common end is too large for that, it is one gap, and whole is false.
func Gaps(a, b []uint64) (gaps []Gap, whole bool) {
	from := 0
	for from < len(a) && from < len(b) && a[from] == b[from] {
		from++
	}
	aTo, bTo := len(a), len(b)
	for aTo > from && bTo > from && a[aTo-1] == b[bTo-1] {
		aTo--
		bTo--
	}
	n, m := aTo-from, bTo-from
	switch {
	case n == 0 && m == 0:
		return nil, true
	case n == 0 || m == 0:
		return []Gap{{from, aTo, from, bTo}}, true
	case (n+1)*(m+1) > Cells:
		return []Gap{{from, aTo, from, bTo}}, false
	}
	return between(a[from:aTo], b[from:bTo], from), true
}

// between is the textbook's table: longest[i][j] is the length of the longest common
// subsequence of a[i:] and b[j:]. That is at most the root of Cells, and fits two
// bytes.
func between(a, b []uint64, base int) []Gap {
	n, m := len(a), len(b)
	width := m + 1
	longest := make([]uint16, (n+1)*width)
	for i := n - 1; i >= 0; i-- {
		row, below := longest[i*width:(i+1)*width], longest[(i+1)*width:]
		for j := m - 1; j >= 0; j-- {
			if a[i] == b[j] {
				row[j] = below[j+1] + 1
			} else {
				row[j] = max(below[j], row[j+1])
			}
		}
	}
	var gaps []Gap
	i, j := 0, 0
	for i < n || j < m {
		if i < n && j < m && a[i] == b[j] {
			i++
			j++
			continue
		}
		g := Gap{OldFrom: base + i, NewFrom: base + j}
		for (i < n || j < m) && !(i < n && j < m && a[i] == b[j]) {
			if j == m || i < n && longest[(i+1)*width+j] >= longest[i*width+j+1] {
				i++
			} else {
				j++
			}
		}
		g.OldTo, g.NewTo = base+i, base+j
		gaps = append(gaps, g)
	}
	return gaps
}
