package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pgowl/pgowl/integration/story"
)

// newToken makes a bearer token (HS256) that lets a request run as role.
func newToken(secret, role string, valid time.Duration) (string, error) {
	claims := jwt.MapClaims{"role": role, "exp": time.Now().Add(valid).Unix()}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
}

// post calls a function over HTTP with curl and prints the call and the answer.
func post(ctx context.Context, owl *owl, token string, step story.Step) error {
	url := "http://" + owl.http + "/rest/v1/rpc/" + step.Text
	args := func(token string) []string {
		return []string{"-sS", "--fail-with-body", "-X", "POST", url, "-H", "Authorization: Bearer " + token, "-H", "Content-Type: application/json", "-d", step.Body}
	}
	shown := args("$TOKEN")
	fmt.Printf("\n$ curl %s %s %s %s \\\n    -H \"%s\" -H '%s' \\\n    -d '%s'\n", shown[0], shown[2], shown[3], shown[4], shown[6], shown[8], shown[10])
	cmd := exec.CommandContext(ctx, "curl", args(token)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	err := cmd.Run()
	took := since(begin)
	fmt.Println(strings.TrimRight(out.String(), "\n"))
	if err != nil {
		return fmt.Errorf("curl: %w", err)
	}
	fmt.Printf("Time: %s\n", took)
	return check(step, strings.TrimSpace(out.String()))
}
