package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pgowl/pgowl/conf"
	"go.uber.org/zap"
)

// jwtSecret gives the secret of REST's tokens. With the embedded server one is made at the first start, and shown.
func jwtSecret(c conf.Config, private bool, log *zap.Logger) (string, error) {
	if c.JWTSecret != "" || !private {
		return string(c.JWTSecret), nil
	}
	path := filepath.Join(c.Data, "jwt.secret")
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		data = []byte(randomSecret())
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("secret of REST tokens: %w", err)
	}
	log.Info("REST tokens are signed with this secret (HS256)", zap.ByteString("secret", data), zap.String("kept in", path))
	return string(data), nil
}
