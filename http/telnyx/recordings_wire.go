package telnyx

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"maskswitch/actors/protocol"
)

// What the carrier says about recordings is checked here, once. A member that
// names a recording must hold; any other that cannot be used counts as absent.

type wireRecording struct {
	ID       string `json:"id"`
	Session  string `json:"call_session_id"`
	Leg      string `json:"call_control_id"`
	LegUUID  string `json:"call_leg_id"`
	Channels string `json:"channels"`
	Started  string `json:"recording_started_at"`
	Ended    string `json:"recording_ended_at"`
	Links    struct {
		MP3 string `json:"mp3"`
		WAV string `json:"wav"`
	} `json:"download_urls"`
}

func readRecording(raw []byte) (protocol.CarrierRecording, error) {
	var in struct {
		Data *wireRecording `json:"data"`
	}
	if err := unmarshal(raw, &in); err != nil {
		return protocol.CarrierRecording{}, err
	}
	if in.Data == nil {
		return protocol.CarrierRecording{}, errNoData
	}
	return in.Data.read()
}

func readRecordings(raw []byte) ([]protocol.CarrierRecording, int, error) {
	wires, total, err := readPage[wireRecording](raw)
	rows := make([]protocol.CarrierRecording, len(wires))
	for i, wire := range wires {
		if rows[i], err = wire.read(); err != nil {
			return nil, 0, fmt.Errorf("row %d: %w", i+1, err)
		}
	}
	return rows, total, err
}

func (w wireRecording) read() (protocol.CarrierRecording, error) {
	if !isRecordingID(w.ID) {
		return protocol.CarrierRecording{}, errors.New("the recording has no id that could be asked for")
	}
	out := protocol.CarrierRecording{
		ID: protocol.RecordingID(w.ID), Session: protocol.SessionID(token(w.Session)), Leg: protocol.LegID(token(w.Leg)),
		LegUUID: token(w.LegUUID), StartedAt: instant(w.Started), EndedAt: instant(w.Ended),
	}
	if w.Channels == "single" || w.Channels == "dual" {
		out.Channels = w.Channels
	}
	for format, link := range map[string]string{"mp3": w.Links.MP3, "wav": w.Links.WAV} {
		if link != "" && len(link) <= maxLink && printable(link) {
			if out.Links == nil {
				out.Links = make(map[string]protocol.Secret, 2)
			}
			out.Links[format] = protocol.Secret(link)
		}
	}
	return out, nil
}

type wireTranscription struct {
	ID        string `json:"id"`
	Recording string `json:"recording_id"`
	Status    string `json:"status"`
	Text      string `json:"transcription_text"`
}

func readTranscriptions(raw []byte) ([]protocol.CarrierTranscription, error) {
	var in struct {
		Data *[]wireTranscription `json:"data"`
	}
	if err := unmarshal(raw, &in); err != nil {
		return nil, err
	}
	if in.Data == nil {
		return nil, errNoData
	}
	out := make([]protocol.CarrierTranscription, len(*in.Data))
	for i, wire := range *in.Data {
		if !isRecordingID(wire.ID) || !isRecordingID(wire.Recording) {
			return nil, fmt.Errorf("row %d: the transcription does not say which one it is, or of what", i+1)
		}
		out[i] = protocol.CarrierTranscription{
			ID: wire.ID, Recording: protocol.RecordingID(wire.Recording),
			Text: transcript(wire.Text), Done: wire.Status == "completed",
		}
	}
	return out, nil
}

// transcript cuts a text at what is kept of one, and never inside of a letter.
// Some stores do not take the byte 0.
func transcript(s string) string {
	s = strings.ReplaceAll(s, "\x00", " ")
	if len(s) <= protocol.MaxTranscript {
		return s
	}
	end := protocol.MaxTranscript
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// isRecordingID keeps ids out that would change the path they are put into. The
// carrier's are UUIDs.
func isRecordingID(s string) bool {
	return s != "" && len(s) <= 128 && strings.Trim(s, idLetters+"_") == ""
}

func token(s string) string {
	if len(s) > maxLegID || !printable(s) {
		return ""
	}
	return s
}

func instant(s string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}
