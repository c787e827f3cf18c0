package wrongswitch

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
)

// file is a recording in the archive, or on its way there.
type file struct {
	id, booking string
	sound       []byte // nil: it is not there yet
	sum         string // of the sound as it was fetched
}

// keep fetches a recording in the background, the first time that it is told of.
// One without an id is looked up first. Call it with the mutex held.
func (s *Switch) keep(c *call, of saved) {
	booking := ""
	if c.booking != nil {
		booking = c.booking.id
	}
	if of.ID != "" {
		s.fetch(booking, of)
		return
	}
	s.jobs.Go(func() {
		var list listed
		for !s.get("/recordings?filter[call_leg_id]="+of.Leg, &list) {
			if !s.pause(firstPause) {
				return
			}
		}
		i := slices.IndexFunc(list.Data, func(r resource) bool { return r.Started == of.Started })
		if i < 0 {
			return
		}
		of.ID = list.Data[i].ID
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fetch(booking, of)
	})
}

func (s *Switch) fetch(booking string, of saved) {
	if s.closed || s.archived(of.ID) || s.wrong.strikes(SkipsRecordings) {
		return
	}
	f := s.archive[of.ID]
	f.id, f.booking = of.ID, booking
	link := of.link()
	s.jobs.Go(func() {
		for {
			if b := s.download(link); b != nil {
				s.store(f, b)
				return
			}
			if !s.pause(retryPause) {
				return
			}
			var one struct {
				Data resource `json:"data"`
			}
			if s.get("/recordings/"+of.ID, &one) {
				link = one.Data.saved().link()
			}
		}
	})
}

// download is one try; nil if what came is no whole recording.
func (s *Switch) download(link string) []byte {
	req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil
	}
	if s.wrong.strikes(SendsKey) {
		req.Header.Set("Authorization", "Bearer "+s.cfg.APIKey)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !sound(resp.Header.Get("Content-Type"), b) {
		return nil
	}
	return b
}

func (s *Switch) store(f *file, b []byte) {
	if s.wrong.strikes(AltersRecordings) {
		b[len(b)/2] ^= 1
	}
	sum := sha256.Sum256(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	f.sound, f.sum = b, hex.EncodeToString(sum[:])
	if s.wrong.strikes(StoresTwice) {
		again := *f
		again.id = "leg:" + f.id
		s.archive[again.id] = &again
	}
}

func (s *Switch) listRecordings(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	booking := r.PathValue("id")
	if s.bookings[booking] == nil {
		refuse(w, http.StatusNotFound, "Not found", "not_found")
		return
	}
	all := []map[string]any{}
	for _, f := range s.archive {
		if f.booking != booking || f.id == "" {
			continue
		}
		row := map[string]any{"id": f.id, "state": "pending"}
		if f.sound != nil {
			row["state"], row["sha256"], row["bytes"] = "archived", f.sum, len(f.sound)
		}
		all = append(all, row)
	}
	reply(w, http.StatusOK, map[string]any{"recordings": all})
}

func (s *Switch) serveAudio(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	var b []byte
	if f := s.archive[r.PathValue("id")]; f != nil {
		b = f.sound
	}
	s.mu.Unlock()
	if b == nil {
		refuse(w, http.StatusNotFound, "Not found", "not_found")
		return
	}
	if s.wrong.strikes(ServesOtherAudio) {
		b = append(slices.Clone(b), 0)
	}
	w.Header().Set("Content-Type", "audio/mpeg")
	w.Write(b)
}
