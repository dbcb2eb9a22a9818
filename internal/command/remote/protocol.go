package remote

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	secretBytes    = 32
	challengeBytes = 32
	// maxFrame bounds the content of a frame in bytes.
	maxFrame = 64 << 10
	// maxRequest bounds the JSON of a request, in bytes: Linux takes no more arguments and variables.
	maxRequest = 8 << 20
	// maxAnswer bounds an answer that is read as a whole, in bytes; an environment of Linux fits.
	maxAnswer = 4 << 20
	// maxText bounds a text for people, in bytes.
	maxText = 1 << 10
)

// Names of headers. kindHeader is in requests and answers about files.
const (
	secretHeader  = "Aphex-Secret" // in hexadecimal
	kindHeader    = "Aphex-Kind"
	modeHeader    = "Aphex-Mode" // of a file, octal
	timeHeader    = "Aphex-Time" // of a file, RFC 3339
	failedTrailer = "Aphex-Failed"
)

// Kinds of what is transferred.
const (
	aFile   = "file"
	aFolder = "folder"
)

// Paths of the first requests of a client: to give the secret, and to have the server prove
// that it has it already, which alone is served to those who do not say it.
const (
	bindPath  = "/bind"
	provePath = "/prove"
)

// bindRequest is the first request of a client.
type bindRequest struct {
	Challenge []byte `json:"challenge"`
}

// bindAnswer proves that the server knows the secret, and says where commands run. The
// answer to provePath has the proof alone.
type bindAnswer struct {
	Proof   []byte   `json:"proof"`
	Root    string   `json:"root"`    // the folder that ours' paths are below
	Environ [][]byte `json:"environ"` // of commands that are given none
}

// proof is the answer to a challenge.
func proof(secret, challenge []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("aphex commands\x00"))
	mac.Write(challenge)
	return mac.Sum(nil)
}

// runRequest is a command without its input. Texts are bytes, as JSON does not keep what is no UTF-8.
type runRequest struct {
	ID     string        `json:"id"`
	Args   [][]byte      `json:"args"`
	Dir    []byte        `json:"dir"`
	Env    [][]byte      `json:"env"` // null is the server's own
	Input  bool          `json:"input"`
	Output output        `json:"output"`
	Grace  time.Duration `json:"grace"`
	Limit  time.Duration `json:"limit"`
}

// output says which output is wanted.
type output struct {
	Stdout bool `json:"stdout"`
	Stderr bool `json:"stderr"`
	Merged bool `json:"merged"` // both into stdout, in order
}

// exit says how a command ended. The zero value is success.
type exit struct {
	Code      int    `json:"code"`
	Signal    string `json:"signal,omitempty"`
	Limit     bool   `json:"limit,omitempty"`     // it was stopped at its limit
	Cancelled bool   `json:"cancelled,omitempty"` // it was stopped on request
	Failed    string `json:"failed,omitempty"`    // why it did not start
	Cause     string `json:"cause,omitempty"`     // of that; see causes
}

// The kinds of frames that follow the head of an answer to /run.
const (
	stdoutFrame byte = iota + 1
	stderrFrame
	exitFrame // JSON of an exit, the last frame
)

// A frame is its kind, the length of its content as four bytes, and the content.
const frameHead = 5

var errFrame = errors.New("it sent a frame that is none")

// readFrame reads a frame into buffer, which has room for maxFrame bytes.
func readFrame(r io.Reader, buffer []byte) (kind byte, content []byte, err error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	kind, size := head[0], binary.BigEndian.Uint32(head[1:])
	if kind < stdoutFrame || kind > exitFrame || size > maxFrame {
		return 0, nil, fmt.Errorf("%w: kind %d with %d bytes", errFrame, kind, size)
	}
	content = buffer[:size]
	_, err = io.ReadFull(r, content)
	return kind, content, err
}

// appendFrame appends a frame to buffer; content has at most maxFrame bytes.
func appendFrame(buffer []byte, kind byte, content []byte) []byte {
	buffer = append(buffer, kind)
	buffer = binary.BigEndian.AppendUint32(buffer, uint32(len(content)))
	return append(buffer, content...)
}

func toBytes(texts []string) [][]byte {
	if texts == nil {
		return nil
	}
	list := make([][]byte, len(texts))
	for i, text := range texts {
		list[i] = []byte(text)
	}
	return list
}

func toTexts(list [][]byte) []string {
	if list == nil {
		return nil
	}
	texts := make([]string, len(list))
	for i, bytes := range list {
		texts[i] = string(bytes)
	}
	return texts
}

// cleartext2 is HTTP/2 without TLS, and nothing else.
func cleartext2() *http.Protocols {
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	return &p
}
