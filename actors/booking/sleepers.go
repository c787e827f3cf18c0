package booking

import "maskswitch/actors/protocol"

// sleepers are bookings at rest. An actor of the library costs 650 bytes in a
// dozen pieces, all of which the garbage collector looks at again and again;
// here a booking costs a sixth of that in one piece.
type sleepers struct {
	index map[protocol.BookingID]int32 // into rows
	rows  []kept
	free  []int32 // rows that nobody has
}

func newSleepers() sleepers { return sleepers{index: make(map[protocol.BookingID]int32)} }

func (s *sleepers) put(k kept) {
	if last := len(s.free) - 1; last >= 0 {
		s.index[k.id] = s.free[last]
		s.rows[s.free[last]] = k
		s.free = s.free[:last]
		return
	}
	s.index[k.id] = int32(len(s.rows))
	s.rows = append(s.rows, k)
}

// take gets a booking out; false if it is not there.
func (s *sleepers) take(id protocol.BookingID) (kept, bool) {
	i, ok := s.index[id]
	if !ok {
		return kept{}, false
	}
	k := s.rows[i]
	s.rows[i] = kept{}
	s.free = append(s.free, i)
	delete(s.index, id)
	return k, true
}
