package pipeline_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	. "invoke-mgupload/pkg/pipeline"
	"invoke-mgupload/pkg/pipeline/pipelinetest"
)

const stepsFolder = "../../docs/steps"

// worked says how an example behaves. FOLDER stands for a folder that holds the list ids.txt.
var worked = []struct {
	program, needs, name string
	env                  []string
	id                   string
	sends                int
	header               string // X-Change-Ticket of what was sent
	want                 string // status and body, or the error's end
	log                  string // what log.py wrote, the time left out
}{
	{program: "add-header.sh", needs: "sh", name: "adds", env: []string{"TICKET=CHG-1"}, id: "a", sends: 1, header: "CHG-1", want: "200 body"},
	{program: "add-header.sh", needs: "sh", name: "no ticket", id: "a", want: "exit status 2: set TICKET to the number of the change"},
	{program: "add-header.sh", needs: "sh", name: "bad ticket", env: []string{`TICKET=a"b`}, id: "a", want: "exit status 2: TICKET may hold letters, digits and dashes only"},
	{program: "log.py", needs: "python3", name: "logs", env: []string{"UPLOAD_LOG=FOLDER/log"}, id: "a", sends: 1, want: "200 body", log: " POST https://graph.example/v1.0/things/a/microsoft.graph.upload 200\n"},
	{program: "log.py", needs: "python3", name: "in its folder", id: "b", sends: 1, want: "200 body", log: " POST https://graph.example/v1.0/things/b/microsoft.graph.upload 200\n"},
	{program: "deny.py", needs: "python3", name: "listed", env: []string{"ALLOWED_IDS=FOLDER/ids.txt"}, id: "id%201", sends: 1, want: "200 body"},
	{program: "deny.py", needs: "python3", name: "not listed", env: []string{"ALLOWED_IDS=ids.txt"}, id: "id%202", want: `403 {"error": {"code": "NotOnTheList", "message": "The id id 2 is not listed in ids.txt."}}`},
	{program: "deny.py", needs: "python3", name: "no list", id: "a", want: "exit status 1: set ALLOWED_IDS to the file that lists the ids"},
}

func TestSteps(t *testing.T) {
	for _, c := range worked {
		t.Run(c.program+"/"+c.name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "ids.txt"), []byte("id 1\n\nid 3\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			s := newScript(t, status(200))
			resp, err := Program(example(t, c.program, c.needs, folder, c.env))(upload(t, c.id), s)
			got := ""
			if e, ok := errors.AsType[*ProgramError](err); ok {
				_, got, _ = strings.Cut(e.Error(), "failed: ")
			} else if err != nil {
				t.Fatal(err)
			} else {
				got = fmt.Sprintf("%d %s", resp.StatusCode, readAll(t, resp))
			}
			if got != c.want || len(s.sent) != c.sends {
				t.Errorf("%q after %d sends, want %q after %d", got, len(s.sent), c.want, c.sends)
			}
			if c.sends > 0 && s.sent[0].Header.Get("X-Change-Ticket") != c.header {
				t.Errorf("sent with %v, want the ticket %q", s.sent[0].Header, c.header)
			}
			if c.log != "" {
				checkLog(t, folder, c.log)
			}
		})
	}
}

func checkLog(t *testing.T, folder, want string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(folder, "*log"))
	if len(files) != 1 {
		t.Fatalf("the logs are %q, want one", files)
	}
	text, err := os.ReadFile(files[0])
	_, got, _ := strings.Cut(string(text), " ")
	if err != nil || " "+got != want {
		t.Errorf("the log is %q (%v), want %q after the time", text, err, want)
	}
}

// example returns options for a program of the docs, or skips the test where it cannot run.
func example(t *testing.T, program, needs, folder string, env []string) ProgramOptions {
	if runtime.GOOS == "windows" {
		t.Skip("scripts are no programs on Windows")
	}
	if _, err := exec.LookPath(needs); err != nil {
		t.Skipf("%s needs %s, which is not installed", program, needs)
	}
	path, err := filepath.Abs(filepath.Join(stepsFolder, program))
	if err != nil {
		t.Fatal(err)
	}
	o := ProgramOptions{Path: path, Dir: folder, Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}}
	for _, setting := range env {
		o.Env = append(o.Env, strings.ReplaceAll(setting, "FOLDER", folder))
	}
	return o
}

func upload(t *testing.T, id string) *http.Request {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"https://graph.example/v1.0/things/"+id+"/microsoft.graph.upload", strings.NewReader(`{"uploadUrl":"u"}`))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// A failed send is logged as well.
func TestStepsLogWithoutAnswer(t *testing.T) {
	folder := t.TempDir()
	cut := errors.New("cut")
	o := example(t, "log.py", "python3", folder, nil)
	o.Grace = time.Minute // it ends by itself
	_, err := Program(o)(upload(t, "a"), SenderFunc(func(*http.Request) (*http.Response, error) { return nil, cut }))
	if err != cut {
		t.Errorf("error %v, want %v", err, cut)
	}
	checkLog(t, folder, " POST https://graph.example/v1.0/things/a/microsoft.graph.upload no answer\n")
}

// TestStepsAreListed holds the README to the folder, and this file to both.
func TestStepsAreListed(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(stepsFolder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(stepsFolder)
	if err != nil {
		t.Fatal(err)
	}
	tested := map[string]bool{}
	for _, c := range worked {
		tested[c.program] = true
	}
	for _, f := range files {
		name := f.Name()
		if name == "README.md" {
			continue
		}
		if !tested[name] || !bytes.Contains(readme, []byte("["+name+"]("+name+")")) {
			t.Errorf("%s is tested: %v; it must be, and be listed in the README", name, tested[name])
		}
	}
}

// TestStepsTranscript plays the README's transcript: what the program reads must be what it shows.
func TestStepsTranscript(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(stepsFolder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```transcript\n(.*?)```").FindSubmatch(readme)
	if block == nil {
		t.Fatal("the README has no transcript")
	}
	var acts []string
	var read strings.Builder
	for text := range strings.Lines(string(block[1])) {
		if printed, ok := strings.CutPrefix(text, "< "); ok {
			acts = append(acts, "print "+strings.TrimSuffix(printed, "\n"))
			continue
		}
		acts = append(acts, "read >")
		read.WriteString(text)
	}
	var shown bytes.Buffer
	o := acting(t, acts...)
	o.Stderr = &shown
	req, _ := http.NewRequestWithContext(t.Context(), "POST", "https://graph.microsoft.com/v1.0/things/1/microsoft.graph.upload",
		strings.NewReader("{\n  \"uploadUrl\": \"u\"\n}"))
	req.Header.Set("Content-Type", "application/json")
	s := newScript(t, func() *http.Response {
		return pipelinetest.Answer(200, `{"value":"ok"}`, "Content-Type", "application/json")
	})
	resp, err := Program(o)(req, s)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if shown.String() != read.String() {
		t.Errorf("the program read\n%swant\n%s", shown.String(), read.String())
	}
	if s.sent[0].Header.Get("X-Change-Ticket") != "CHG-1" || resp.Header.Get("X-Seen") != "1" {
		t.Errorf("sent %v and got %v, want the headers of the transcript", s.sent[0].Header, resp.Header)
	}
}
