package remote

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Open returns a runner of the server at the address, and a function to call when
// nothing more is run. Without an address that is the given runner of processes. The
// secret is kept in the file, if one is given, for the next program that uses the server.
func Open(ctx context.Context, address, secretFile string, processes command.Runner) (command.Runner, func(), error) {
	if address == "" {
		return processes, func() {}, nil
	}
	options := Options{Address: address}
	if secretFile != "" {
		var err error
		if options.Secret, options.Known, err = keptSecret(secretFile); err != nil {
			return nil, nil, err
		}
	}
	client, err := Dial(ctx, options)
	if err != nil {
		return nil, nil, err
	}
	return client, func() { _ = client.Close() }, nil
}

// keptSecret reads the secret in a file, which an earlier program gave the server, or makes
// both. Nobody else may read the file.
func keptSecret(path string) (secret []byte, known bool, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		secret, err := hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil || len(secret) != secretBytes {
			return nil, false, errs.Invalidf("%s does not contain the secret of a run", path).WithHint("remove the file")
		}
		return secret, true, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, false, errs.Invalidf("reading the secret of the run: %w", err)
	}
	secret = make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, false, errs.Writing(path, err)
	}
	_, err = file.WriteString(hex.EncodeToString(secret))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, false, errs.Writing(path, err)
	}
	return secret, false, nil
}
