package onnxhalf

import "google.golang.org/protobuf/encoding/protowire"

// field is one field of a message.
type field struct {
	number  protowire.Number
	kind    protowire.Type
	value   uint64 // of a varint
	content []byte // of bytes, texts and messages
	all     []byte // the field with its tag
}

// fields calls f with each field of a message.
func fields(message []byte, f func(field) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return errBroken
		}
		one := field{number: number, kind: kind}
		size := 0
		switch kind {
		case protowire.VarintType:
			one.value, size = protowire.ConsumeVarint(message[n:])
		case protowire.BytesType:
			one.content, size = protowire.ConsumeBytes(message[n:])
		case protowire.Fixed32Type:
			_, size = protowire.ConsumeFixed32(message[n:])
		case protowire.Fixed64Type:
			_, size = protowire.ConsumeFixed64(message[n:])
		default:
			return errBroken
		}
		if size < 0 {
			return errBroken
		}
		one.all = message[:n+size]
		if err := f(one); err != nil {
			return err
		}
		message = message[n+size:]
	}
	return nil
}

// nested appends a field whose content is a message, converted.
func (f field) nested(out []byte, convert func(out, in []byte) ([]byte, error)) ([]byte, error) {
	if f.kind != protowire.BytesType {
		return nil, errBroken
	}
	converted, err := convert(nil, f.content)
	if err != nil {
		return nil, err
	}
	return protowire.AppendBytes(protowire.AppendTag(out, f.number, protowire.BytesType), converted), nil
}

// within appends a message with all fields of a number converted.
func within(out, in []byte, number protowire.Number, convert func(out, in []byte) ([]byte, error)) ([]byte, error) {
	err := fields(in, func(f field) (err error) {
		if f.number == number {
			out, err = f.nested(out, convert)
			return err
		}
		out = append(out, f.all...)
		return nil
	})
	return out, err
}
