// Package rest answers HTTP requests the way PostgREST 16 does: it finds the function that a request names, calls it in one
// transaction as the role of the request's token, and passes the JSON that Postgres made on as it is. It acts through
// connections that it is given a way to open; it doesn't know what is behind them, and leaves listening to package httpd.
//
// What is here: functions (/rpc/NAME) by POST, GET, HEAD and OPTIONS, with JSON, form and raw bodies; schemas by profile;
// limit, offset, Range and exact counts; CSV; the preferences of RPC. Tables, filters, select and order are refused with
// status 501.
package rest
