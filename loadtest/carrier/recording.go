package carrier

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// recordOrder is what record_start, or the record members of answer and
// transfer, ask for.
type recordOrder struct {
	id               string // where the answer had to name it beforehand
	format, channels string
	longest          time.Duration // 0: no limit
	by               string
}

// recording is one file. Its Call's mutex guards it.
type recording struct {
	Recording
	leg     *leg
	by      string
	started time.Time // by the carrier's clock
	ended   time.Time
	saved   time.Time
	bare    bool
	object  string // path of the file
}

// record starts a recording on a leg that has audio.
func (k *Call) record(l *leg, o *recordOrder) *recording {
	r := &recording{leg: l, by: o.by, started: k.carrier.now(),
		Recording: Recording{ID: o.id, Leg: l.name, Format: o.format, Channels: o.channels, Started: time.Now()}}
	if r.ID == "" {
		r.ID = newID()
	}
	l.recording = append(l.recording, r)
	k.recordings = append(k.recordings, r)
	if o.longest > 0 {
		k.later(l, o.longest, func() { k.finish(r) })
	}
	return r
}

// finish ends a recording and has it saved later; it reports whether it was
// saved at once, which is sooner than the hangup event.
func (k *Call) finish(r *recording) bool {
	if !r.Ended.IsZero() {
		return false
	}
	c := k.carrier
	r.Ended, r.ended = time.Now(), c.now()
	nth := uint64(0)
	for nth < uint64(len(k.recordings)) && k.recordings[nth] != r {
		nth++
	}
	draw := func(fault string) float64 { return c.draw(fault, k.number, r.leg.name, "", nth) }
	faults := c.faults.Load()
	r.bare = draw("recording bare") < faults.RecordingBare
	r.Failed = draw("recording failed") < faults.RecordingFailed
	if draw("recording early") < faults.RecordingEarly {
		k.save(r)
		return true
	}
	k.owed++
	c.clock.after(c.world(c.cfg.Timing.Save), func() {
		k.mu.Lock()
		defer k.unlock()
		k.save(r)
		k.settle()
	})
	return false
}

func (k *Call) save(r *recording) {
	c := k.carrier
	if r.Failed {
		k.emit(r.leg, "call.recording.error", r)
		return
	}
	file := r.file()
	sum := sha256.Sum256(file)
	r.saved, r.Size, r.SHA256 = c.now(), int64(len(file)), hex.EncodeToString(sum[:])
	r.object = fmt.Sprintf("/telephony-recorder-prod/00000000-0000-4000-8000-000000000000/%s/%s-%s.%s",
		r.started.Format(time.DateOnly), r.leg.id, r.ID[:8], r.Format)
	c.mu.Lock()
	c.recordings[r.ID], c.files[r.object] = r, r
	c.mu.Unlock()
	k.emit(r.leg, "call.recording.saved", r)
}

// describe fills an event in after one of two samples: the captured one, or
// the bare one that has the members of the official schema only.
func (r *recording) describe(p *payload, kind string) {
	if kind == "call.recording.error" {
		p.Reason = "Internal server error"
		return
	}
	start, end := wireTime(r.started), wireTime(r.ended)
	link := r.leg.call.carrier.link(r, "")
	p.Channels, p.RecordingStarted, p.RecordingEndedAt = r.Channels, start, end
	p.RecordingURLs = map[string]*string{r.Format: &link}
	if r.bare {
		other := map[string]string{"mp3": "wav", "wav": "mp3"}[r.Format]
		p.CallControlID = ""
		p.RecordingURLs[other] = nil
		p.PublicURLs = json.RawMessage(`{"mp3":null,"wav":null}`)
		return
	}
	p.PublicURLs = json.RawMessage(`{}`)
	p.RecordingID, p.Format, p.StartTime, p.EndTime = r.ID, r.Format, start, end
}

// file is silence that differs with each recording: 1 kB a second of mp3, or
// 8 kB a second and channel of wav. The same each time it is made.
func (r *recording) file() []byte {
	length := max(r.Ended.Sub(r.Started), 24*time.Millisecond)
	if r.Format == "wav" {
		return wav(r.ID, r.Channels, length)
	}
	return mp3(r.ID, r.Channels, length)
}

// mp3 is an ID3v2.3 tag with the recording's id as title, and empty frames of
// MPEG-2 layer III at 8 kbit/s and 24 kHz: 24 bytes for 24 ms.
func mp3(title, channels string, length time.Duration) []byte {
	var frame [24]byte
	copy(frame[:], []byte{0xff, 0xf3, 0x14, 0x00})
	if channels == "single" {
		frame[3] = 0xc0
	}
	n := int(length / (24 * time.Millisecond))
	b := make([]byte, 0, 21+len(title)+n*len(frame))
	b = append(b, "ID3\x03\x00\x00"...)
	b = append(b, 0, 0, 0, byte(11+len(title))) // below 128: one syncsafe byte
	b = append(b, "TIT2"...)
	b = binary.BigEndian.AppendUint32(b, uint32(1+len(title)))
	b = append(append(b, 0, 0, 0), title...) // two bytes of flags, and Latin-1
	for range n {
		b = append(b, frame[:]...)
	}
	return b
}

// wav is 8 kHz mu-law silence, the sound of the telephone network, with the
// recording's id in an INFO chunk.
func wav(title, channels string, length time.Duration) []byte {
	n := uint16(2)
	if channels == "single" {
		n = 1
	}
	data := bytes.Repeat([]byte{0xff}, int(length.Milliseconds())*8*int(n))
	if len(title)%2 == 1 {
		title += "\x00"
	}
	var b bytes.Buffer
	word := func(v any) { binary.Write(&b, binary.LittleEndian, v) }
	b.WriteString("RIFF")
	word(uint32(4 + 8 + 18 + 8 + 12 + len(title) + 8 + len(data)))
	b.WriteString("WAVEfmt ")
	word(uint32(18))
	word(uint16(7)) // mu-law
	word(n)
	word(uint32(8000))
	word(uint32(8000) * uint32(n))
	word(n)
	word(uint16(8))
	word(uint16(0))
	b.WriteString("LIST")
	word(uint32(12 + len(title)))
	b.WriteString("INFOINAM")
	word(uint32(len(title)))
	b.WriteString(title)
	b.WriteString("data")
	word(uint32(len(data)))
	b.Write(data)
	return b.Bytes()
}

// link is a fresh address of the file, in the form of an S3 presigned one. The
// host is the carrier's own, or of the request if it does not know that.
func (c *Carrier) link(r *recording, host string) string {
	origin := c.URL()
	if origin == "" {
		origin = "http://" + host
	}
	date := time.Now().UTC().Format(amzTime)
	expires := strconv.Itoa(int(c.cfg.LinkLife.Seconds()))
	q := url.Values{
		"X-Amz-Algorithm":     {"AWS4-HMAC-SHA256"},
		"X-Amz-Credential":    {"EXAMPLE/" + date[:8] + "/us-east-1/s3/aws4_request"},
		"X-Amz-Date":          {date},
		"X-Amz-Expires":       {expires},
		"X-Amz-SignedHeaders": {"host"},
		"X-Amz-Signature":     {c.linkSignature(r.object, date, expires)},
	}
	return origin + r.object + "?" + q.Encode()
}

const amzTime = "20060102T150405Z"

func (c *Carrier) linkSignature(object, date, expires string) string {
	mac := hmac.New(sha256.New, c.linkKey)
	fmt.Fprintf(mac, "%s\n%s\n%s", object, date, expires)
	return hex.EncodeToString(mac.Sum(nil))
}

// serveFile plays S3: one way to authenticate only, an end to every link.
func (c *Carrier) serveFile(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	date, expires := q.Get("X-Amz-Date"), q.Get("X-Amz-Expires")
	signed, err := time.Parse(amzTime, date)
	life, _ := strconv.Atoi(expires)
	want := c.linkSignature(r.URL.Path, date, expires)
	switch {
	case r.Header.Get("Authorization") != "":
		s3Error(w, http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified")
		return
	case err != nil || subtle.ConstantTimeCompare([]byte(want), []byte(q.Get("X-Amz-Signature"))) == 0:
		s3Error(w, http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided")
		return
	case time.Since(signed) > time.Duration(life)*time.Second+time.Second: // X-Amz-Date has whole seconds
		s3Error(w, http.StatusForbidden, "AccessDenied", "Request has expired")
		return
	}
	c.mu.RLock()
	rec := c.files[r.URL.Path]
	c.mu.RUnlock()
	if rec == nil {
		s3Error(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		return
	}
	rec.leg.call.mu.Lock()
	rec.Fetches++
	file, saved, sum := rec.file(), rec.saved, rec.SHA256
	rec.leg.call.note()
	rec.leg.call.mu.Unlock()
	w.Header().Set("Content-Type", map[string]string{"mp3": "audio/mpeg", "wav": "audio/x-wav"}[rec.Format])
	w.Header().Set("ETag", `"`+sum[:32]+`"`)
	http.ServeContent(w, r, "", saved, bytes.NewReader(file))
}

func s3Error(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
}
