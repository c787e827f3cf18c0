package recording

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"maskswitch/actors/protocol"
)

// carrier is the world as the carrier.
type carrier world

func trouble(t protocol.RecordingTrouble, status int) *protocol.RecordingError {
	return &protocol.RecordingError{Trouble: t, Status: status, Detail: "trouble: " + t.String()}
}

// sign makes links that die after ten minutes.
func (c *carrier) sign(k *kept) protocol.CarrierRecording {
	told := k.CarrierRecording
	c.links++
	told.Links = map[string]protocol.Secret{"mp3": protocol.Secret(fmt.Sprintf("%s|%d|%d", k.ID, time.Now().Unix(), c.links))}
	return told
}

func (c *carrier) Recording(ctx context.Context, id protocol.RecordingID) (protocol.CarrierRecording, error) {
	w := (*world)(c)
	if err := w.ask(ctx, "ask "+string(id), false); err != nil {
		return protocol.CarrierRecording{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.kept[id]
	if k == nil || k.deleted || time.Now().Before(k.listed) {
		return protocol.CarrierRecording{}, trouble(protocol.TroubleGone, 404)
	}
	return c.sign(k), nil
}

func (c *carrier) FindRecordings(ctx context.Context, q protocol.RecordingSearch) ([]protocol.CarrierRecording, error) {
	w := (*world)(c)
	if err := w.ask(ctx, "find "+string(q.Session)+q.LegUUID, false); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if (q.Session == "") == (q.LegUUID == "") {
		w.fault("a search for %+v", q)
	}
	var found []protocol.CarrierRecording
	for _, k := range w.kept {
		if !k.deleted && !time.Now().Before(k.listed) && (k.Session == q.Session || k.LegUUID == q.LegUUID) {
			found = append(found, c.sign(k))
		}
	}
	slices.SortFunc(found, func(a, b protocol.CarrierRecording) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return found, nil
}

func (c *carrier) DeleteRecording(ctx context.Context, id protocol.RecordingID) error {
	w := (*world)(c)
	if err := w.ask(ctx, "delete "+string(id), false); err != nil {
		return err
	}
	w.mu.Lock()
	if k := w.kept[id]; k != nil && !k.deleted {
		w.allowed(k)
		k.deleted = true
	}
	w.mu.Unlock()
	return w.ask(ctx, "delete "+string(id), true)
}

// allowed holds the queue to its promise that the carrier's copy goes only once
// the disk knows that the archive has it whole, or that nobody may have it.
func (w *world) allowed(k *kept) {
	rows, _ := w.engine.Recordings(context.Background(), w.call.ID)
	for _, r := range rows {
		if r.ID != k.ID && !(r.ID.StandIn() && same(r, k.LegUUID, k.StartedAt)) {
			continue
		}
		if r.Status == protocol.RecordingArchived && w.objects[r.Object] == k.audio || r.Status == protocol.RecordingErasing && r.Hold == "" {
			return
		}
	}
	w.fault("the carrier's copy of %s is deleted before the disk knows that it is archived", k.ID)
}

func (c *carrier) Transcription(ctx context.Context, id protocol.RecordingID) (protocol.CarrierTranscription, error) {
	w := (*world)(c)
	if err := w.ask(ctx, "transcript "+string(id), false); err != nil {
		return protocol.CarrierTranscription{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.kept[id]
	if k == nil || k.deleted {
		return protocol.CarrierTranscription{}, trouble(protocol.TroubleGone, 404)
	}
	return protocol.CarrierTranscription{ID: "tr-" + string(id), Recording: id, Text: k.transcript, Done: k.transcript != ""}, nil
}

func (c *carrier) Download(ctx context.Context, to protocol.Secret) (protocol.Audio, error) {
	w := (*world)(c)
	parts := strings.Split(string(to), "|")
	if err := w.ask(ctx, "download "+parts[0], false); err != nil {
		return protocol.Audio{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	since, _ := strconv.ParseInt(parts[1], 10, 64)
	k := w.kept[protocol.RecordingID(parts[0])]
	if k == nil || k.deleted || time.Since(time.Unix(since, 0)) > 10*time.Minute {
		return protocol.Audio{}, trouble(protocol.TroubleLink, 403)
	}
	return protocol.Audio{ReadCloser: io.NopCloser(strings.NewReader(k.audio)), Bytes: int64(len(k.audio)), ContentType: "audio/mpeg"}, nil
}

// archive is the world as the archive.
type archive world

func (a *archive) Put(ctx context.Context, name, contentType string, size int64, audio io.Reader) (protocol.Object, error) {
	w := (*world)(a)
	if err := w.ask(ctx, "put "+name, false); err != nil {
		return protocol.Object{}, err
	}
	var all bytes.Buffer
	if _, err := io.Copy(&all, audio); err != nil {
		return protocol.Object{}, err
	}
	w.mu.Lock()
	w.objects[name], w.types[name] = all.String(), contentType
	w.mu.Unlock()
	return protocol.Object{Name: name, Bytes: int64(all.Len()), ContentType: contentType}, w.ask(ctx, "put "+name, true)
}

func (a *archive) Stat(ctx context.Context, name string) (protocol.Object, error) {
	w := (*world)(a)
	if err := w.ask(ctx, "stat "+name, false); err != nil {
		return protocol.Object{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	audio, there := w.objects[name]
	if !there {
		return protocol.Object{}, protocol.ErrNoObject
	}
	return protocol.Object{Name: name, Bytes: int64(len(audio)), ContentType: w.types[name]}, nil
}

func (a *archive) Open(ctx context.Context, name string, from, length int64) (io.ReadCloser, error) {
	w := (*world)(a)
	if err := w.ask(ctx, "open "+name, false); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	audio, there := w.objects[name]
	if !there {
		return nil, protocol.ErrNoObject
	}
	return io.NopCloser(strings.NewReader(audio)), nil
}

func (a *archive) Delete(ctx context.Context, name string) error {
	w := (*world)(a)
	if err := w.ask(ctx, "remove "+name, false); err != nil {
		return err
	}
	w.mu.Lock()
	rows, _ := w.engine.Recordings(ctx, w.call.ID)
	for _, r := range rows {
		if r.Object == name && (r.Status != protocol.RecordingErasing || r.Hold != "") {
			w.fault("%s is deleted in the archive while its row is %s, held %q", r.ID, r.Status, r.Hold)
		}
	}
	delete(w.objects, name)
	w.mu.Unlock()
	return w.ask(ctx, "remove "+name, true)
}

// model is the world as the one who writes summaries.
type model world

func (m *model) Summarise(ctx context.Context, of protocol.SummaryRequest) (protocol.Summary, error) {
	if err := (*world)(m).ask(ctx, "summarise "+of.Transcript, false); err != nil {
		return protocol.Summary{}, err
	}
	return protocol.Summary{Text: "in short: " + of.Transcript, Model: "model-1"}, nil
}
