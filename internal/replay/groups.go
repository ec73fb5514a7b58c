package replay

import "github.com/buger/gor/internal/pace"

// Groups parts inputs into what is opened together: each alone, but for
// recordings, which are merged by time, on one clock, when they have one speed.
// Recordings of different speeds have no time in common: those of each speed have
// a clock of their own. A group stands where its first member does.
//
// limits has one entry for each input, nil for one that is not a recording. A
// group has the indexes of its members, and speeds is how many groups are of
// recordings.
func Groups(limits []*pace.Limit) (groups [][]int, speeds int) {
	at := map[pace.Limit]int{} // the group of each speed
	for i, limit := range limits {
		if limit != nil {
			speed := speedOf(*limit)
			if g, found := at[speed]; found {
				groups[g] = append(groups[g], i)
				continue
			}
			at[speed] = len(groups)
		}
		groups = append(groups, []int{i})
	}
	return groups, len(at)
}
