package archive

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// killChild tells the test binary that it is the process that is killed.
const killChild = "MASKSWITCH_ARCHIVE_CHILD"

// TestKillChild puts one recording after the other until it is killed.
func TestKillChild(t *testing.T) {
	dir := os.Getenv(killChild)
	if dir == "" {
		t.Skip("not a test: the process that TestDirectoryKilledAtAnyInstant kills")
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // it does not outlive who started it
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	d, err := OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	fmt.Println("ready")
	for i := 0; ctx.Err() == nil; i++ {
		text := content(i % 7)
		half := strings.NewReader(text[len(text)/2:])
		audio := io.MultiReader(strings.NewReader(text[:len(text)/2]), says{"half"}, half)
		if _, err := d.Put(ctx, fmt.Sprintf("day/%d/%d.wav", i%3, i%7), "", int64(len(text)), audio); err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		if i%5 == 0 {
			_ = d.Delete(ctx, fmt.Sprintf("day/%d/%d.wav", i%3, i%7))
		}
		fmt.Println("whole")
	}
}

// says is no audio: it tells that it is its turn.
type says struct{ what string }

func (s says) Read([]byte) (int, error) {
	fmt.Println(s.what)
	return 0, io.EOF
}

// content is a recording that shows whether it is whole.
func content(i int) string {
	text := strings.Repeat(fmt.Sprintf("recording %d. ", i), 20_000+i)
	return fmt.Sprintf("%s%x", text, sha256.Sum256([]byte(text)))
}

func TestDirectoryKilledAtAnyInstant(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "recordings")
	dice := rand.New(rand.NewPCG(1, 2))
	unfinished := 0
	for range 25 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKillChild$", "-test.count=1")
		cmd.Env = append(os.Environ(), killChild+"="+dir)
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		for range 2 + dice.IntN(12) {
			if !lines.Scan() {
				t.Fatalf("the process has ended by itself: %v", cmd.Wait())
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		stdin.Close()
		unfinished += len(filesIn(t, filepath.Join(dir, parts)))
		objectsAreWhole(t, dir)
	}
	t.Logf("%d of 25 were killed with something unfinished", unfinished)
	if unfinished == 0 {
		t.Error("none was killed in the middle, which proves nothing")
	}
	d, err := OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if left := filesIn(t, filepath.Join(dir, parts)); len(left) > 0 {
		t.Errorf("left unfinished: %q", left)
	}
}

func objectsAreWhole(t *testing.T, dir string) {
	t.Helper()
	for _, file := range filesIn(t, dir) {
		if strings.Contains(file, "/"+parts+"/") {
			continue
		}
		var i int
		if _, err := fmt.Sscanf(filepath.Base(file), "%d.wav", &i); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != content(i) {
			t.Errorf("%s is not whole: %d bytes, %v", file, len(got), err)
		}
	}
}
