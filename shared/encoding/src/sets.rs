//! The encodings of the Standard: their names, their labels, and how each is read and written.

use crate::Encoding;

/// How an encoding is read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Utf8,
    /// By a table of 128 characters, which has this number.
    Single(u8),
    Gbk,
    Gb18030,
    Big5,
    EucJp,
    Iso2022Jp,
    ShiftJis,
    EucKr,
    /// Encodings that scripts could be smuggled in: a page in one of them is one U+FFFD.
    Replacement,
    Utf16Be,
    Utf16Le,
    UserDefined,
}

macro_rules! encodings {
    ($($encoding:ident, $name:literal, $kind:expr, $labels:literal;)*) => {
        $(
            #[doc = $name]
            pub static $encoding: &Encoding = &Encoding { name: $name, labels: $labels, kind: $kind };
        )*
        pub(crate) static ALL: &[&Encoding] = &[$($encoding),*];
    };
}

encodings! {
    UTF_8, "UTF-8", Kind::Utf8,
        "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8";
    IBM866, "IBM866", Kind::Single(0),
        "866 cp866 csibm866 ibm866";
    ISO_8859_2, "ISO-8859-2", Kind::Single(1),
        "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2";
    ISO_8859_3, "ISO-8859-3", Kind::Single(2),
        "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3";
    ISO_8859_4, "ISO-8859-4", Kind::Single(3),
        "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4";
    ISO_8859_5, "ISO-8859-5", Kind::Single(4),
        "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 \
         iso_8859-5:1988";
    ISO_8859_6, "ISO-8859-6", Kind::Single(5),
        "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e \
         iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987";
    ISO_8859_7, "ISO-8859-7", Kind::Single(6),
        "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 \
         iso_8859-7 iso_8859-7:1987 sun_eu_greek";
    ISO_8859_8, "ISO-8859-8", Kind::Single(7),
        "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 iso88598 \
         iso_8859-8 iso_8859-8:1988 visual";
    ISO_8859_8_I, "ISO-8859-8-I", Kind::Single(7),
        "csiso88598i iso-8859-8-i logical";
    ISO_8859_10, "ISO-8859-10", Kind::Single(8),
        "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6";
    ISO_8859_13, "ISO-8859-13", Kind::Single(9),
        "iso-8859-13 iso8859-13 iso885913";
    ISO_8859_14, "ISO-8859-14", Kind::Single(10),
        "iso-8859-14 iso8859-14 iso885914";
    ISO_8859_15, "ISO-8859-15", Kind::Single(11),
        "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9";
    ISO_8859_16, "ISO-8859-16", Kind::Single(12),
        "iso-8859-16";
    KOI8_R, "KOI8-R", Kind::Single(13),
        "cskoi8r koi koi8 koi8-r koi8_r";
    KOI8_U, "KOI8-U", Kind::Single(14),
        "koi8-ru koi8-u";
    MACINTOSH, "macintosh", Kind::Single(15),
        "csmacintosh mac macintosh x-mac-roman";
    WINDOWS_874, "windows-874", Kind::Single(16),
        "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874";
    WINDOWS_1250, "windows-1250", Kind::Single(17),
        "cp1250 windows-1250 x-cp1250";
    WINDOWS_1251, "windows-1251", Kind::Single(18),
        "cp1251 windows-1251 x-cp1251";
    WINDOWS_1252, "windows-1252", Kind::Single(19),
        "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 \
         iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252";
    WINDOWS_1253, "windows-1253", Kind::Single(20),
        "cp1253 windows-1253 x-cp1253";
    WINDOWS_1254, "windows-1254", Kind::Single(21),
        "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 \
         latin5 windows-1254 x-cp1254";
    WINDOWS_1255, "windows-1255", Kind::Single(22),
        "cp1255 windows-1255 x-cp1255";
    WINDOWS_1256, "windows-1256", Kind::Single(23),
        "cp1256 windows-1256 x-cp1256";
    WINDOWS_1257, "windows-1257", Kind::Single(24),
        "cp1257 windows-1257 x-cp1257";
    WINDOWS_1258, "windows-1258", Kind::Single(25),
        "cp1258 windows-1258 x-cp1258";
    X_MAC_CYRILLIC, "x-mac-cyrillic", Kind::Single(26),
        "x-mac-cyrillic x-mac-ukrainian";
    GBK, "GBK", Kind::Gbk,
        "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk";
    GB18030, "gb18030", Kind::Gb18030,
        "gb18030";
    BIG5, "Big5", Kind::Big5,
        "big5 big5-hkscs cn-big5 csbig5 x-x-big5";
    EUC_JP, "EUC-JP", Kind::EucJp,
        "cseucpkdfmtjapanese euc-jp x-euc-jp";
    ISO_2022_JP, "ISO-2022-JP", Kind::Iso2022Jp,
        "csiso2022jp iso-2022-jp";
    SHIFT_JIS, "Shift_JIS", Kind::ShiftJis,
        "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis";
    EUC_KR, "EUC-KR", Kind::EucKr,
        "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 \
         ksc_5601 windows-949";
    REPLACEMENT, "replacement", Kind::Replacement,
        "csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr replacement";
    UTF_16BE, "UTF-16BE", Kind::Utf16Be,
        "unicodefffe utf-16be";
    UTF_16LE, "UTF-16LE", Kind::Utf16Le,
        "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le";
    X_USER_DEFINED, "x-user-defined", Kind::UserDefined,
        "x-user-defined";
}
