// Makes the golden evidence files of this folder with golang.org/x/mod's sumdb/tlog (tree and proofs) and sumdb/note
// (signatures), which share no code with Moonseal. Run in an empty module: go run make.go <folder>.
//
// Deterministic: the Ed25519 seeds are bytes of one value, as in no real key.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	domain  = "dom_eu_01jegc8qvyfgx9tmvc3w70yjrh"
	host    = "log.example"
	witness = "witness.example/w1"
	size    = 300
	genesis = "5f5e5d5c5b5a59585756555453525150" + "4f4e4d4c4b4a49484746454443424140"
)

type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		out[i] = h[at]
	}
	return out, nil
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// canonical is RFC 8785 for what stands in these entries: ASCII keys, which Go sorts, and no characters that it escapes.
func canonical(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

func payloadOf(seq int) []byte {
	entry := map[string]any{
		"v": 1, "domain": domain, "seq": seq,
		"id":          fmt.Sprintf("golden-%d", seq),
		"action":      "invoice.exported",
		"actor":       map[string]any{"type": "service", "id": "billing"},
		"outcome":     "success",
		"recorded_at": fmt.Sprintf("2026-11-21T09:%02d:%02d.000Z", seq/60, seq%60),
		"occurred_at": fmt.Sprintf("2026-11-21T09:%02d:%02d.000Z", seq/60, seq%60),
		"salt":        fmt.Sprintf("%032x", seq),
		"targets":     []any{map[string]any{"type": "invoice", "id": fmt.Sprintf("inv_%d", seq)}},
	}
	if seq == 0 {
		entry["action"] = "domain.created"
		entry["actor"] = map[string]any{"type": "system", "id": "system:moonseal"}
		entry["metadata"] = map[string]any{"genesis": genesis, "origin": host + "/" + domain}
		delete(entry, "targets")
	}
	return canonical(entry)
}

type key struct {
	name    string
	hash    uint32
	private ed25519.PrivateKey
}

func keyOf(name string, kind byte, seed byte) key {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))
	public := private.Public().(ed25519.PublicKey)
	sum := sha256.Sum256(append([]byte(name+"\n"), append([]byte{kind}, public...)...))
	return key{name, binary.BigEndian.Uint32(sum[:]), private}
}

func (k key) Name() string                    { return k.name }
func (k key) KeyHash() uint32                 { return k.hash }
func (k key) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(k.private, msg), nil }
func (k key) vkey(kind byte) string {
	public := k.private.Public().(ed25519.PublicKey)
	return fmt.Sprintf("%s+%08x+%s", k.name, k.hash, base64.StdEncoding.EncodeToString(append([]byte{kind}, public...)))
}

// cosigner signs as c2sp.org/tlog-cosignature says.
type cosigner struct {
	key
	time uint64
}

func (c cosigner) Sign(msg []byte) ([]byte, error) {
	text := fmt.Sprintf("cosignature/v1\ntime %d\n%s", c.time, msg)
	return append(binary.BigEndian.AppendUint64(nil, c.time), ed25519.Sign(c.private, []byte(text))...), nil
}

func main() {
	folder := os.Args[1]
	var tree hashes
	var payloads, previous [][]byte
	prev := must(hex.DecodeString(genesis))
	for seq := 0; seq < size; seq++ {
		payload := payloadOf(seq)
		entry := sha256.Sum256(append(append([]byte{}, prev...), payload...))
		payloads, previous = append(payloads, payload), append(previous, prev)
		prev = entry[:]
		tree = append(tree, must(tlog.StoredHashes(int64(seq), entry[:], tree))...)
	}
	origin := host + "/" + domain
	cell := keyOf(host+"/eu", 1, 1)
	signer := keyOf(origin, 1, 1)
	w := keyOf(witness, 4, 2)
	root := must(tlog.TreeHash(size, tree))
	text := fmt.Sprintf("%s\n%d\n%s\n", origin, size, base64.StdEncoding.EncodeToString(root[:]))
	signed := must(note.Sign(&note.Note{Text: text}, signer, cosigner{w, 1795259650}))
	// The other implementation reads back what it wrote, with the log's key alone.
	verifier := must(note.NewVerifier(signer.vkey(1)))
	must(note.Open(signed, note.VerifierList(verifier)))

	write := func(name string, content []byte) {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			panic(err)
		}
	}
	write("checkpoint.txt", signed)
	for _, seq := range []int64{0, 255, 299} {
		proof := must(tlog.ProveRecord(size, seq, tree))
		extra := canonical(map[string]any{"v": 1, "prev_hash": hex.EncodeToString(previous[seq]), "payload": string(payloads[seq])})
		lines := []string{"c2sp.org/tlog-proof@v1", "extra " + base64.StdEncoding.EncodeToString(extra), fmt.Sprintf("index %d", seq)}
		for _, hash := range proof {
			lines = append(lines, base64.StdEncoding.EncodeToString(hash[:]))
		}
		write(fmt.Sprintf("entry-%d.tlog-proof", seq), []byte(strings.Join(lines, "\n")+"\n\n"+string(signed)))
	}
	policy := map[string]any{
		"logs":      []any{map[string]any{"origin_prefix": host + "/", "key": cell.vkey(1)}},
		"witnesses": []any{map[string]any{"key": w.vkey(4), "independent": true}},
		"required":  1,
	}
	write("policy.json", append(must(json.MarshalIndent(policy, "", "  ")), '\n'))
}
