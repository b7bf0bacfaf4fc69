import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * Checks of pgjdbc for the Go tests: each prints a line, its name and what came of it, which must be the same on the server and through
 * PgOwl. Suite URL KIND; KIND is plain, pooled (what a transaction pool may do) or pgml.
 */
public class Suite {
  interface Body { Object run() throws Exception; }

  static String url;

  static Connection open(String... settings) throws SQLException {
    Properties p = new Properties();
    p.setProperty("user", "postgres");
    p.setProperty("password", "pw");
    p.setProperty("connectTimeout", "60");
    for (int i = 0; i < settings.length; i += 2) p.setProperty(settings[i], settings[i + 1]);
    return DriverManager.getConnection(url, p);
  }

  static void check(String name, Body body) throws Exception {
    String out;
    try {
      out = String.valueOf(body.run());
    } catch (SQLException e) {
      out = "error " + describe(e);
    }
    System.out.println(name + "\t" + out.replace("\n", "\\n"));
  }

  static String describe(SQLException e) {
    StringBuilder b = new StringBuilder(String.valueOf(e.getSQLState())).append(' ').append(e.getMessage());
    if (e instanceof PSQLException p && p.getServerErrorMessage() != null) {
      ServerErrorMessage m = p.getServerErrorMessage();
      b.append(" [").append(m.getSeverity()).append(' ').append(m.getDetail()).append(' ').append(m.getHint()).append(' ').append(m.getPosition())
          .append(' ').append(m.getConstraint()).append(' ').append(m.getTable()).append(' ').append(m.getColumn()).append(' ').append(m.getRoutine()).append(']');
    }
    if (e.getNextException() != null) b.append(" then ").append(describe(e.getNextException()));
    return b.toString();
  }

  static String rows(ResultSet r) throws SQLException {
    StringJoiner all = new StringJoiner(", ");
    int n = r.getMetaData().getColumnCount();
    while (r.next()) {
      StringJoiner row = new StringJoiner(" ");
      for (int i = 1; i <= n; i++) {
        boolean bytes = r.getMetaData().getColumnType(i) == Types.BINARY;
        row.add(bytes ? HexFormat.of().formatHex(r.getBytes(i)) : String.valueOf(r.getString(i)));
      }
      all.add(row.toString());
    }
    r.close();
    return all.toString();
  }

  static String ask(Connection c, String sql, Object... params) throws SQLException {
    try (PreparedStatement s = c.prepareStatement(sql)) {
      for (int i = 0; i < params.length; i++) s.setObject(i + 1, params[i]);
      return s.execute() ? rows(s.getResultSet()) : s.getUpdateCount() + " rows";
    }
  }

  static final String[][] VALUES = {
    {"int2", "-32768"}, {"int8", "9223372036854775807"}, {"numeric", "0.1000000000000000000000000000000000001"}, {"numeric", "NaN"},
    {"float8", "-Infinity"}, {"float8", "NaN"}, {"float4", "1.1754944e-38"}, {"float8", "5e-324"}, {"timestamptz", "2024-02-29 23:59:59.999999+00"},
    {"timestamp", "infinity"}, {"timestamptz", "-infinity"}, {"date", "infinity"}, {"time", "24:00:00"}, {"interval", "1 year -2 days 03:04:05.678"},
    {"bool", "t"}, {"bytea", "\\x00ff5c27"}, {"text", "quote ' \\ \u00e9"}, {"uuid", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"},
    {"json", "{\"a\": [1, 2.50, null]}"}, {"jsonb", "{\"b\": 1e400}"}, {"int4[]", "{{1,2},{3,4}}"}, {"text[]", "{\"a,b\",NULL,\"NULL\",\"\"}"},
    {"int4", null}, {"int4", "2147483648"}, {"date", "2023-02-29"},
  };

  static void plain(boolean session) throws Exception {
    Connection c = open("ApplicationName", "suite");
    ask(c, "DROP TABLE IF EXISTS j_items");
    ask(c, "CREATE TABLE j_items (id serial PRIMARY KEY, name text NOT NULL, price numeric(12, 4) CHECK (price >= 0))");
    for (String[] v : VALUES) {
      // Five times makes a named statement with binary results of it.
      check("value " + v[0] + " " + v[1], () -> {
        String out = "";
        for (int i = 0; i < 7; i++) out = ask(c, "SELECT ?::text::" + v[0], v[1]);
        return out;
      });
    }
    check("generated keys", () -> {
      try (PreparedStatement s = c.prepareStatement("INSERT INTO j_items (name, price) VALUES (?, ?)", Statement.RETURN_GENERATED_KEYS)) {
        s.setString(1, "a");
        s.setBigDecimal(2, new java.math.BigDecimal("1.5"));
        s.executeUpdate();
        return rows(s.getGeneratedKeys());
      }
    });
    for (String sql : new String[] {"SELEC 1", "SELECT * FROM nowhere", "SELECT 1/0", "INSERT INTO j_items (name) VALUES (NULL)",
        "INSERT INTO j_items (name, price) VALUES ('x', -1)", "INSERT INTO j_items (id, name) VALUES (1, 'again')"}) {
      check("mistake " + sql, () -> ask(c, sql));
    }
    check("batch", () -> {
      try (PreparedStatement s = c.prepareStatement("INSERT INTO j_items (name, price) VALUES (?, ?)")) {
        for (int i = 0; i < 1000; i++) {
          s.setString(1, "batch " + i);
          s.setInt(2, i);
          s.addBatch();
        }
        return Arrays.stream(s.executeBatch()).sum() + " " + ask(c, "SELECT count(*), sum(price) FROM j_items");
      }
    });
    check("batch that fails", () -> {
      try (Statement s = c.createStatement()) {
        s.addBatch("INSERT INTO j_items (name) VALUES ('good')");
        s.addBatch("INSERT INTO j_items (name, price) VALUES ('bad', -1)");
        s.addBatch("INSERT INTO j_items (name) VALUES ('never')");
        return Arrays.toString(s.executeBatch());
      }
    });
    check("rewritten batch", () -> {
      try (Connection d = open("reWriteBatchedInserts", "true"); PreparedStatement s = d.prepareStatement("INSERT INTO j_items (name) VALUES (?)")) {
        for (int i = 0; i < 300; i++) {
          s.setString(1, "rewritten");
          s.addBatch();
        }
        s.executeBatch();
        return ask(d, "SELECT count(*) FROM j_items WHERE name = 'rewritten'");
      }
    });
    check("fetch size", () -> {
      c.setAutoCommit(false);
      try (PreparedStatement s = c.prepareStatement("SELECT g FROM generate_series(1, ?) g")) {
        s.setFetchSize(10);
        s.setInt(1, 95);
        ResultSet r = s.executeQuery();
        int n = 0, sum = 0;
        while (r.next()) {
          n++;
          sum += r.getInt(1);
        }
        return n + " " + sum;
      } finally {
        c.rollback();
        c.setAutoCommit(true);
      }
    });
    check("savepoints", () -> {
      c.setAutoCommit(false);
      try {
        Savepoint s = c.setSavepoint("s");
        try {
          ask(c, "SELECT 1/0");
        } catch (SQLException e) {
          c.rollback(s);
        }
        return ask(c, "SELECT 1");
      } finally {
        c.rollback();
        c.setAutoCommit(true);
      }
    });
    check("failed transaction", () -> {
      c.setAutoCommit(false);
      try {
        try {
          ask(c, "SELECT 1/0");
        } catch (SQLException e) {
          return ask(c, "SELECT 1");
        }
        return "no error";
      } finally {
        c.rollback();
        c.setAutoCommit(true);
      }
    });
    check("several statements", () -> {
      try (Statement s = c.createStatement()) {
        StringBuilder b = new StringBuilder();
        boolean more = s.execute("SELECT 1; UPDATE j_items SET price = 1 WHERE id < 3; SELECT 2, 3");
        while (more || s.getUpdateCount() != -1) {
          b.append(more ? rows(s.getResultSet()) : s.getUpdateCount() + " rows").append("; ");
          more = s.getMoreResults();
        }
        return b;
      }
    });
    check("copy in", () -> {
      StringBuilder b = new StringBuilder();
      for (int i = 0; i < 3000; i++) b.append("item ").append(i).append(',').append(i / 8.0).append('\n');
      CopyManager m = c.unwrap(PGConnection.class).getCopyAPI();
      return m.copyIn("COPY j_items (name, price) FROM STDIN WITH (FORMAT csv)", new ByteArrayInputStream(b.toString().getBytes(StandardCharsets.UTF_8)));
    });
    check("copy in, a bad line", () -> c.unwrap(PGConnection.class).getCopyAPI().copyIn("COPY j_items (name, price) FROM STDIN WITH (FORMAT csv)",
        new ByteArrayInputStream("good,1\nbad,x\n".getBytes(StandardCharsets.UTF_8))));
    check("copy out", () -> {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      long n = c.unwrap(PGConnection.class).getCopyAPI().copyOut("COPY (SELECT g, md5(g::text) FROM generate_series(1, 5000) g) TO STDOUT", out);
      return n + " " + out.size();
    });
    check("a big value", () -> ask(c, "SELECT length(v), md5(v) FROM (SELECT ?::text v) x", "owl \u00e9 ".repeat(200000)));
    check("an array", () -> {
      try (PreparedStatement s = c.prepareStatement("SELECT ?::int[], array_length(?::text[], 1)")) {
        s.setArray(1, c.createArrayOf("int4", new Integer[] {1, null, 3}));
        s.setArray(2, c.createArrayOf("text", new String[] {"a,b", null}));
        return rows(s.executeQuery());
      }
    });
    check("bytes", () -> {
      byte[] all = new byte[70000];
      for (int i = 0; i < all.length; i++) all[i] = (byte) i;
      try (PreparedStatement s = c.prepareStatement("SELECT md5(?), ?::bytea")) {
        s.setBytes(1, all);
        s.setBytes(2, all);
        ResultSet r = s.executeQuery();
        r.next();
        return r.getString(1) + " " + Arrays.equals(all, r.getBytes(2));
      }
    });
    check("scrolling", () -> {
      try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
        ResultSet r = s.executeQuery("SELECT id, name FROM j_items WHERE id = 1");
        r.next();
        r.updateString("name", "updated");
        r.updateRow();
        return ask(c, "SELECT name FROM j_items WHERE id = 1");
      }
    });
    check("metadata", () -> {
      DatabaseMetaData m = c.getMetaData();
      return rows(m.getPrimaryKeys(null, "public", "j_items")) + m.getDatabaseProductVersion().isEmpty();
    });
    check("a call", () -> {
      ask(c, "CREATE OR REPLACE FUNCTION j_twice(x int, OUT y int) LANGUAGE sql AS 'SELECT 2 * x'");
      try (CallableStatement s = c.prepareCall("{call j_twice(?, ?)}")) {
        s.setInt(1, 21);
        s.registerOutParameter(2, Types.INTEGER);
        s.execute();
        return s.getInt(2);
      }
    });
    if (session) {
      check("prepared, then another table", () -> {
        ask(c, "CREATE TABLE j_changing AS SELECT 1 AS a");
        StringBuilder b = new StringBuilder();
        for (int i = 0; i < 7; i++) b.append(ask(c, "SELECT * FROM j_changing")).append(';');
        ask(c, "ALTER TABLE j_changing ADD b text DEFAULT 2");
        b.append(ask(c, "SELECT * FROM j_changing"));
        ask(c, "DROP TABLE j_changing");
        return b;
      });
      check("listen", () -> {
        ask(c, "LISTEN j_channel");
        try (Connection d = open()) {
          ask(d, "SELECT pg_notify('j_channel', 'payload')");
        }
        var heard = c.unwrap(PGConnection.class).getNotifications(60000);
        return heard.length + " " + heard[0].getName() + " " + heard[0].getParameter();
      });
      check("query timeout", () -> {
        try (Statement s = c.createStatement()) {
          s.setQueryTimeout(1);
          return rows(s.executeQuery("SELECT pg_sleep(60)"));
        }
      });
      check("cancel", () -> {
        try (Connection d = open(); Statement s = d.createStatement()) {
          int pid = d.unwrap(PGConnection.class).getBackendPID();
          Thread canceler = new Thread(() -> {
            try {
              while (ask(c, "SELECT 1 FROM pg_stat_activity WHERE pid = ? AND wait_event = 'PgSleep'", pid).isEmpty()) Thread.onSpinWait();
              s.cancel();
            } catch (SQLException e) {
              System.err.println(e);
            }
          });
          canceler.start();
          try {
            return rows(s.executeQuery("SELECT pg_sleep(60)"));
          } finally {
            canceler.join();
          }
        }
      });
      check("warnings", () -> {
        try (Statement s = c.createStatement()) {
          s.execute("DO $$ BEGIN RAISE WARNING 'careful'; END $$");
          return s.getWarnings().getSQLState() + " " + s.getWarnings().getMessage();
        }
      });
      check("simple protocol", () -> {
        try (Connection d = open("preferQueryMode", "simple")) {
          return ask(d, "SELECT ?::int + 1, ?", 41, "x'y");
        }
      });
      check("settings of the start", () -> ask(c, "SELECT current_setting('application_name'), current_setting('TimeZone') <> '', current_setting('extra_float_digits')"));
      check("large object", () -> {
        c.setAutoCommit(false);
        try {
          var api = c.unwrap(PGConnection.class).getLargeObjectAPI();
          long oid = api.createLO();
          var lo = api.open(oid);
          lo.write(new byte[100000]);
          lo.seek(99990);
          int left = lo.read(100).length;
          lo.close();
          api.delete(oid);
          return left;
        } finally {
          c.commit();
          c.setAutoCommit(true);
        }
      });
      check("a wrong database", () -> {
        String was = url;
        try {
          url = was.replaceFirst("/[a-z]+\\?", "/no_such_database?");
          open().close();
          return "opened";
        } finally {
          url = was;
        }
      });
      check("valid", () -> c.isValid(60));
    }
    c.close();
  }

  static void pgml() throws Exception {
    Connection c = open();
    check("embed", () -> {
      int n = 0;
      for (int i = 0; i < 7; i++) {
        try (PreparedStatement s = c.prepareStatement("SELECT pgml.embed('all-MiniLM-L6-v2', ?)")) {
          s.setString(1, "Hottest weather in 100 years");
          ResultSet r = s.executeQuery();
          r.next();
          n = ((Object[]) r.getArray(1).getArray()).length;
        }
      }
      return n;
    });
    check("predict a column", () -> {
      String out = "";
      for (int i = 0; i < 7; i++) {
        try (PreparedStatement s = c.prepareStatement("SELECT a, pgml.predict('suites', ARRAY[a, b]) FROM suite_train WHERE a::int % 20 = ? ORDER BY a")) {
          s.setInt(1, 10);
          ResultSet r = s.executeQuery();
          StringJoiner all = new StringJoiner(", ");
          while (r.next()) all.add(r.getFloat(1) + " " + r.getFloat(2));
          out = all.toString();
        }
      }
      return out;
    });
    check("predict, a batch", () -> {
      StringJoiner all = new StringJoiner(" ");
      try (PreparedStatement s = c.prepareStatement("SELECT pgml.predict('suites', ?::real[])")) {
        for (int i = 0; i < 8; i++) {
          s.setArray(1, c.createArrayOf("float4", new Float[] {i % 2 == 0 ? 20f : 80f, 1f}));
          ResultSet r = s.executeQuery();
          r.next();
          all.add(String.valueOf(r.getFloat(1)));
        }
      }
      return all;
    });
    check("a mistake", () -> ask(c, "SELECT pgml.predict('no such project', ARRAY[1::real, ?::real])", 1));
    check("after it", () -> ask(c, "SELECT 1"));
    c.close();
  }

  public static void main(String[] args) throws Exception {
    url = "jdbc:postgresql://" + args[0].substring(args[0].indexOf('@') + 1);
    if (args[1].equals("pgml")) pgml();
    else plain(args[1].equals("plain"));
  }
}
