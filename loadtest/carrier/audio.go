package carrier

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"time"
)

// audio is a sound file that is made while it is read: a head, and one pattern
// again and again. It is the same each time, and takes no memory.
type audio struct {
	head, pattern []byte
	size          int64
}

// audio is silence that differs with each recording: 1 kB a second of mp3, or
// 8 kB a second and channel of wav, and no less than least bytes, as if the two
// had talked for longer.
func (r *recording) audio(least int64) audio {
	length := max(r.Ended.Sub(r.Started)-r.Paused, frameTime)
	if r.Format == "wav" {
		return wav(r.ID, r.Channels, length, least)
	}
	return mp3(r.ID, r.Channels, length, least)
}

// frameTime is how long one frame of an mp3 lasts.
const frameTime = 24 * time.Millisecond

// mp3 is an ID3v2.3 tag with the recording's id as title, and empty frames of
// MPEG-2 layer III at 8 kbit/s and 24 kHz: 24 bytes for 24 ms.
func mp3(title, channels string, length time.Duration, least int64) audio {
	var frame [24]byte
	copy(frame[:], []byte{0xff, 0xf3, 0x14, 0x00})
	if channels == "single" {
		frame[3] = 0xc0
	}
	b := make([]byte, 0, 21+len(title))
	b = append(b, "ID3\x03\x00\x00"...)
	b = append(b, 0, 0, 0, byte(11+len(title))) // below 128: one syncsafe byte
	b = append(b, "TIT2"...)
	b = binary.BigEndian.AppendUint32(b, uint32(1+len(title)))
	b = append(append(b, 0, 0, 0), title...) // two bytes of flags, and Latin-1
	return audio{head: b, pattern: frame[:]}.ofSize(int64(length/frameTime), least)
}

// wav is 8 kHz mu-law silence, the sound of the telephone network, with the
// recording's id in an INFO chunk.
func wav(title, channels string, length time.Duration, least int64) audio {
	n := uint16(2)
	if channels == "single" {
		n = 1
	}
	if len(title)%2 == 1 {
		title += "\x00"
	}
	const riffSize, dataSize = 4, 4 // their places before the end of what follows
	var b bytes.Buffer
	word := func(v any) { binary.Write(&b, binary.LittleEndian, v) }
	b.WriteString("RIFF")
	word(uint32(0))
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
	word(uint32(0))
	// A pattern of a millisecond: all lengths are even.
	a := audio{head: b.Bytes(), pattern: bytes.Repeat([]byte{0xff}, 8*int(n))}.ofSize(length.Milliseconds(), least)
	binary.LittleEndian.PutUint32(a.head[riffSize:], uint32(a.size-8))
	binary.LittleEndian.PutUint32(a.head[len(a.head)-dataSize:], uint32(a.size-int64(len(a.head))))
	return a
}

// ofSize has so many patterns, and more until it has least bytes.
func (a audio) ofSize(patterns, least int64) audio {
	one := int64(len(a.pattern))
	patterns = max(patterns, (least-int64(len(a.head))+one-1)/one)
	a.size = int64(len(a.head)) + patterns*one
	return a
}

// sum is its SHA-256, in hex.
func (a audio) sum() string {
	hash := sha256.New()
	io.Copy(hash, a.reader())
	return hex.EncodeToString(hash.Sum(nil))
}

func (a audio) reader() *audioReader { return &audioReader{audio: a} }

type audioReader struct {
	audio
	at int64
}

func (r *audioReader) Read(p []byte) (int, error) {
	if r.at >= r.size {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), r.size-r.at)]
	n := 0
	if head := int64(len(r.head)); r.at < head {
		n = copy(p, r.head[r.at:])
	}
	for n < len(p) {
		from := (r.at + int64(n) - int64(len(r.head))) % int64(len(r.pattern))
		n += copy(p[n:], r.pattern[from:])
	}
	r.at += int64(n)
	return n, nil
}

func (r *audioReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("before the begin of the file")
	}
	r.at = offset
	return offset, nil
}
