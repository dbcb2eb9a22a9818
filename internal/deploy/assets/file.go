package assets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	transfer "github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// emptyZip is the size of an archive without files. Such an object stems from a
// failed packaging by an old CDK version and counts as missing.
const emptyZip = 22

func (p *Publisher) publishFile(ctx context.Context, list *assembly.AssetManifest, file assembly.FileAsset, d assembly.FileDestination, to Target) error {
	url := fmt.Sprintf("s3://%s/%s", d.Bucket, d.Key)
	client, there, err := p.findFile(ctx, file, d, to)
	if err != nil {
		return err
	}
	if there {
		proven, err := p.isProven(ctx, client, list, file, d)
		switch {
		case err != nil:
			return fmt.Errorf("comparing %s with %s: %w", file.Name, url, explainBucket(err, d.Bucket, to))
		case proven:
			p.options.Notify(Event{Asset: file.Name, To: url, Step: Found})
			return nil
		case p.options.Keep:
			return errs.Failedf("%s is not what the asset %s would be, and a plan replaces nothing", url, file.Name).
				WithHint("find out who published it; a deployment replaces it")
		}
	}
	encryption, err := p.encryption(ctx, client, d, to)
	if err != nil {
		return err
	}
	path, err := p.pack(ctx, list, file)
	if err != nil {
		return err
	}
	metadata, err := p.metadata(list, file)
	if err != nil {
		return err
	}
	if err := p.take(path); err != nil {
		return errs.Invalidf("uploading %s: all assets of the environment: %w", file.Name, err)
	}
	p.options.Notify(Event{Asset: file.Name, To: url, Step: Uploading})
	sending, cancel := p.sending(ctx)
	defer cancel()
	size, version, err := upload(sending, client, path, contentType(file, path), d, encryption, metadata)
	p.mu.Lock()
	p.uploads = append(p.uploads, uploaded{client, d, version})
	p.mu.Unlock()
	if isCompleted(err) {
		if proven, _ := p.isProven(ctx, client, list, file, d); proven { // on failure, keep the upload's error
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("uploading %s to %s: %w", file.Name, url, explainBucket(err, d.Bucket, to))
	}
	p.options.Notify(Event{Asset: file.Name, To: url, Step: Published, Bytes: size})
	return nil
}

// withdrawnLimit is how long the upload of a file that will be withdrawn may take.
const withdrawnLimit = time.Minute

// sending returns the context of an upload. One that will be withdrawn ends by itself: if
// it were cancelled, the object might arrive after it was removed.
func (p *Publisher) sending(ctx context.Context) (context.Context, context.CancelFunc) {
	if p.options.Keep {
		return context.WithTimeout(context.WithoutCancel(ctx), withdrawnLimit)
	}
	return ctx, func() {}
}

// findFile reports whether a file exists at its destination, with one call per destination.
func (p *Publisher) findFile(ctx context.Context, file assembly.FileAsset, d assembly.FileDestination, to Target) (*s3.Client, bool, error) {
	cfg, err := to.Assume(ctx, d.Role, d.Region)
	if err != nil {
		return nil, false, fmt.Errorf("publishing %s to s3://%s/%s: %w", file.Name, d.Bucket, d.Key, err)
	}
	client := newS3(cfg, to.Account)
	known, err := p.state(fileKey(d), func() (state, error) {
		there, err := objectExists(ctx, client, d.Bucket, d.Key)
		return state{there: there}, err
	})
	if err != nil {
		return nil, false, explainBucket(err, d.Bucket, to)
	}
	return client, known.there, nil
}

// newS3 returns a client. A loopback host has no subdomains for buckets.
func newS3(cfg aws.Config, account string) *s3.Client {
	return bucket.NewClient(cfg, bucket.OwnedBy(account), func(o *s3.Options) {
		endpoint := aws.ToString(o.BaseEndpoint)
		o.UsePathStyle = strings.Contains(endpoint, "://localhost") || strings.Contains(endpoint, "://127.") || strings.Contains(endpoint, "://[::1]")
	})
}

// objectExists lists the key: S3 may cache the negative result of a HEAD, and a
// later GET by CloudFormation would fail.
func objectExists(ctx context.Context, client *s3.Client, name, key string) (bool, error) {
	found, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &name, Prefix: &key, MaxKeys: aws.Int32(1)})
	if err != nil {
		return false, err
	}
	for _, object := range found.Contents {
		if aws.ToString(object.Key) == key && (object.Size == nil || *object.Size > emptyZip) {
			return true, nil
		}
	}
	return false, nil
}

func upload(ctx context.Context, client *s3.Client, path, contentType string, d assembly.FileDestination, encryption string, metadata map[string]string) (size int64, version string, err error) {
	body, err := limits.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer body.Close()
	info, err := body.Stat()
	if err != nil {
		return 0, "", err
	}
	input := &transfermanager.UploadObjectInput{
		Bucket: &d.Bucket, Key: &d.Key, Body: body, ContentType: &contentType,
		ChecksumAlgorithm: transfer.ChecksumAlgorithmSha256, Metadata: metadata,
	}
	switch algorithm, key, _ := strings.Cut(encryption, " "); algorithm {
	case "AES256":
		input.ServerSideEncryption = transfer.ServerSideEncryptionAes256
	case "aws:kms":
		input.ServerSideEncryption = transfer.ServerSideEncryptionAwsKms
		if key != "" {
			input.SSEKMSKeyID = &key
		}
	}
	sent, err := transfermanager.New(client).UploadObject(ctx, input)
	if err != nil {
		return info.Size(), "", err
	}
	return info.Size(), aws.ToString(sent.VersionID), nil
}

// take takes the size of a file from the budget of uploads: many assets may name one
// large file.
func (p *Publisher) take(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return p.sent.Bytes(info.Size())
}

// isCompleted reports whether a multipart upload does not exist any more. That is
// the error of a retry after the response to its completion was lost.
func isCompleted(err error) bool { return errs.Code(err) == "NoSuchUpload" }

// pack returns the path of the file to upload. It packs a folder or runs a command first.
func (p *Publisher) pack(ctx context.Context, list *assembly.AssetManifest, file assembly.FileAsset) (string, error) {
	if file.Missing != nil {
		return "", missing(file.Name, file.Missing)
	}
	key := archiveKey(list, file)
	return p.archives.do(key, func() (string, error) {
		switch {
		case len(file.Command) > 0:
			p.options.Notify(Event{Asset: file.Name, Step: Building})
			path, err := p.output(ctx, file.Command, "", "building the asset "+file.Name)
			if err == nil && path == "" {
				err = errs.Failedf("the command that builds the asset %s printed no file name", file.Name)
			}
			if err != nil {
				return "", err
			}
			return p.options.Runner.Fetch(ctx, path, filepath.Join(p.options.Temp, "made-"+digest(key)), command.Selection{})
		case file.Zip:
			p.options.Notify(Event{Asset: file.Name, Step: Building})
			return p.zip(file, list.Root)
		}
		return file.Path, nil
	})
}

// archiveKey identifies what an asset is made from.
func archiveKey(list *assembly.AssetManifest, file assembly.FileAsset) string {
	return fmt.Sprint(file.Zip) + "\n" + list.Root + "\n" + file.Path + "\n" + strings.Join(file.Command, "\x00")
}

// digest makes a name for a file out of a text.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

func (p *Publisher) zip(file assembly.FileAsset, root string) (path string, err error) {
	archive, err := os.CreateTemp(p.options.Temp, "asset-*.zip")
	if err != nil {
		return "", errs.Writing(orElse(p.options.Temp, os.TempDir()), err)
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	if err := Zip(archive, file.Path, root, p.packed); err != nil {
		_ = os.Remove(archive.Name())
		return "", fmt.Errorf("packing the asset %s: %w", file.Name, err)
	}
	return archive.Name(), nil
}

func contentType(file assembly.FileAsset, path string) string {
	if file.Zip || len(file.Command) > 0 {
		return "application/zip"
	}
	if known := contentTypes[strings.ToLower(filepath.Ext(path))]; known != "" {
		return known
	}
	return "application/octet-stream"
}
