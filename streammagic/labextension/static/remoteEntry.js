// SQL colours for cells that begin with %%flink, %%ksql, %%stream deploy or %%stream preview.
//
// A module container as JupyterLab's bootstrap expects one, written by hand: nothing is built. All it does is to
// put another language before the cell's own while its first line is one of our magics. The cell's mime type is
// left alone, and with it all that goes by it: the kernel's completion, language servers, what is saved.
(() => {
  'use strict';

  const OURS = /^\s*%%(?:(?:flink|ksql)(?![\w.])|stream[ \t]+(?:deploy|preview)\b)/;
  const HEAD = 200; // characters that the magic's name must stand in

  const KEYWORDS = words(`
    ADD AFTER ALL ALTER ANALYZE AND ANY AS ASC ASSERT AT BEGIN BETWEEN BY CALL CASE CAST CATALOG CATALOGS CHANGES
    COLUMN COLUMNS COMPILE COMPUTE CONNECTOR CONNECTORS CONSTRAINT CREATE CROSS CUBE CUMULATE CURRENT DATABASE
    DATABASES DEFINE DELETE DESC DESCRIBE DESCRIPTOR DISTINCT DISTRIBUTED DROP ELSE EMIT END ENFORCED ESCAPE EXCEPT
    EXECUTE EXISTS EXPLAIN EXTENDED FALSE FETCH FINAL FIRST FOLLOWING FOR FROM FULL FUNCTION FUNCTIONS GRACE GROUP
    GROUPING HAVING HOP HOPPING IF IN INCLUDING INNER INSERT INTERSECT INTERVAL INTO IS JAR JOIN JSON KEY LAST LATERAL
    LEFT LIKE LIMIT LOAD MATCHED MATCH_RECOGNIZE MATERIALIZED MEASURES METADATA MINUS MODEL MODIFY MODULE MODULES
    NATURAL NEXT NOT NULL OF OFFSET ON ONE OR ORDER OUTER OVER OVERWRITE PARTITION PARTITIONED PARTITIONS PAST PATTERN
    PER PERIOD PLAN PRECEDING PRIMARY PRINT QUERIES QUERY RANGE REMOVE RENAME REPLACE RESET RETENTION RIGHT ROLLUP
    ROWS SELECT SESSION SET SETS SHOW SIZE SKIP SOURCE SOURCES STATEMENT STREAM STREAMS SYSTEM_TIME TABLE TABLES
    TEMPORARY TERMINATE THEN TO TRUE TUMBLE TUMBLING TYPES UNBOUNDED UNION UNIQUE UNLOAD UNNEST UPDATE USE USING VALUES
    VIEW VIEWS VIRTUAL WATERMARK WHEN WHERE WINDOW WITH WITHIN WITHOUT`);
  const TYPES = words(`
    ARRAY BIGINT BINARY BOOLEAN BYTES CHAR CHARACTER DATE DEC DECIMAL DOUBLE FLOAT INT INTEGER MAP MULTISET NUMERIC
    PRECISION RAW REAL ROW SMALLINT STRING STRUCT TIME TIMESTAMP TIMESTAMP_LTZ TINYINT VARBINARY VARCHAR VARIANT ZONE`);
  const VARIABLE = /^\{\{.*?\}\}/;

  function words(text) {
    return new Set(text.trim().split(/\s+/));
  }

  // What CodeMirror's StreamLanguage asks for: one token a call, named by its colour. ``open`` is what ends the
  // string, name or comment that goes on in the next line.
  const sql = {
    name: 'streammagic',
    startState: () => ({ magic: true, open: null, colour: null }),
    token(stream, state) {
      if (state.open) return rest(stream, state);
      if (stream.eatSpace()) return null;
      if (state.magic) {
        state.magic = false;
        stream.skipToEnd();
        return 'meta';
      }
      if (stream.match(/^(?:--|\/\/).*/)) return 'comment';
      if (stream.match(VARIABLE)) return 'meta';
      if (stream.match(/^\d[\w.]*/)) return 'number';
      const word = stream.match(/^[\p{L}_$][\p{L}\p{N}_$@]*/u);
      if (word) return colour(word[0].toUpperCase(), stream.string[stream.start - 1] === '.');
      if (stream.match('/*')) return begin(stream, state, '*/', stream.peek() === '+' ? 'meta' : 'comment');
      const sign = stream.next();
      if (sign === '`') return begin(stream, state, sign, 'variableName');
      if (sign === "'" || sign === '"') return begin(stream, state, sign, 'string');
      return '+-*/%<>=!|'.includes(sign) ? 'operator' : null;
    },
    languageData: { commentTokens: { line: '--', block: { open: '/*', close: '*/' } } }
  };

  function colour(word, isPart) {
    if (isPart) return 'variableName';
    return KEYWORDS.has(word) ? 'keyword' : TYPES.has(word) ? 'builtin' : 'variableName';
  }

  function begin(stream, state, end, colour) {
    Object.assign(state, { open: end, colour });
    return rest(stream, state);
  }

  function rest(stream, state) {
    const { open, colour } = state;
    const holdsVariables = colour !== 'comment' && colour !== 'meta';
    if (holdsVariables && stream.pos === stream.start && stream.match(VARIABLE)) return 'meta';
    while (!stream.eol() && !(holdsVariables && stream.match(VARIABLE, false))) {
      if (!stream.match(open)) stream.next();
      else if (open === '*/' || !stream.eat(open)) { // a doubled quote ends nothing
        state.open = null;
        break;
      }
    }
    return colour;
  }

  // The version of a shared module that the application itself uses: webpack's rule for singletons.
  async function shared(scope, name) {
    const versions = Object.entries(scope[name] || {});
    const inOrder = versions.sort(([a, x], [b, y]) =>
      !!y.loaded - !!x.loaded || b.localeCompare(a, 'en', { numeric: true }));
    return (await inOrder[0][1].get())();
  }

  async function extension(scope) {
    const [{ IEditorExtensionRegistry, EditorExtensionRegistry }, { StreamLanguage, indentService, language }, { Prec }]
      = await Promise.all(['jupyterlab/codemirror', 'codemirror/language', 'codemirror/state']
        .map(name => shared(scope, `@${name}`)));
    const isOurs = state => OURS.test(state.doc.sliceString(0, HEAD));
    const ours = [StreamLanguage.define(sql)];
    const plain = StreamLanguage.define({ name: 'plain', token: stream => stream.skipToEnd() });
    const colours = [
      // Computed anew when the text changes, so it switches while the first line is typed. Whatever sets the cell's
      // own language (JupyterLab does when a kernel has started) has no say while ours comes first.
      Prec.highest(language.computeN(['doc'], state => (isOurs(state) ? ours : []))),
      // A new line begins where the one before did; "undefined" leaves the question to the next who answers it.
      Prec.highest(indentService.of((at, pos) => (isOurs(at.state) ? at.lineIndent(pos, -1) : undefined))),
      // CodeMirror fails on an editor that may have a language and has none: a cell's own is loaded later.
      Prec.lowest(language.of(plain))
    ];
    return {
      id: 'streammagic:colours',
      description: 'SQL colours for cells that begin with %%flink, %%ksql or %%stream deploy.',
      autoStart: true,
      requires: [IEditorExtensionRegistry],
      activate(app, registry) {
        registry.addExtension(Object.freeze({
          name: 'streammagic:colours',
          factory: ({ model }) =>
            model?.type === 'code' ? EditorExtensionRegistry.createImmutableExtension(colours) : null
        }));
      }
    };
  }

  let scope;
  (window._JUPYTERLAB ??= {}).streammagic = {
    init: shareScope => { scope = shareScope; },
    get: async () => {
      const plugin = await extension(scope);
      return () => ({ __esModule: true, default: plugin });
    }
  };
})();
