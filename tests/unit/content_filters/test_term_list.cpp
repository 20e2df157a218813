// Lists of names and places: whole words, capitals, Unicode forms, Korean particles, and what is between two words.
#include "catch.h"
#include "hangul.h"
#include "temper/error.h"
#include "temporary_file.h"
#include "term_list.h"

using namespace temper;
using namespace temper::pii_filter;
using Found = std::vector<std::string>;

namespace {

Found found(const TermList& list, const std::string& text) {
  Found parts;
  for (const auto& hit : list.find(text)) parts.push_back(text.substr(hit.begin, hit.end - hit.begin));
  return parts;
}

}  // namespace

TEST_CASE("names are whole words, the longest first, with the capitals of the list", "[pii][lists]") {
  const TermList list({"Mark", "Mark Twain", "Ludwig van Beethoven", "grace", "Anne-Marie", "12 High Street"});
  CHECK(found(list, "Mark met Mark Twain and MARK.") == Found{"Mark", "Mark Twain", "MARK"});
  CHECK(found(list, "mark my words: Marks, Markus, Denmark, mark_2, Mark2").empty());
  CHECK(found(list, "Grace and grace") == Found{"Grace", "grace"});
  CHECK(found(list, "by Ludwig van Beethoven's hand") == Found{"Ludwig van Beethoven"});
  CHECK(found(list, "by Ludwig Van Beethoven, LUDWIG VAN BEETHOVEN") ==
        Found{"Ludwig Van Beethoven", "LUDWIG VAN BEETHOVEN"});
  CHECK(found(list, "Anne-Marie, Anne\xE2\x80\x91Marie, Anne Marie") == Found{"Anne-Marie", "Anne\xE2\x80\x91Marie"});
  CHECK(found(list, "at 12  High\nStreet, not 112 High Street") == Found{"12  High\nStreet"});
  CHECK(found(list, "12 High\n\nStreet").empty());  // another paragraph
  CHECK(found(list, "").empty());
}

TEST_CASE("a name written both ways is found both ways", "[pii][lists]") {
  CHECK(found(TermList({"Rose", "rose"}), "Rose rose ROSE") == Found{"Rose", "rose", "ROSE"});
}

TEST_CASE("P-PII-04 names beyond ASCII: Unicode forms and apostrophes", "[pii][lists]") {
  const TermList list(
      {"Jos\xC3\xA9 N\xC3\xBA\xC3\xB1"
       "ez",
       "O'Brien", "Ва\xD0\xBD\xD1\x8F"});
  CHECK(found(list,
              "Jos\xC3\xA9 N\xC3\xBA\xC3\xB1"
              "ez") == Found{"Jos\xC3\xA9 N\xC3\xBA\xC3\xB1"
                             "ez"});
  const std::string decomposed =
      "Jose\xCC\x81 Nu\xCC\x81n\xCC\x83"
      "ez";
  CHECK(found(list, "to " + decomposed + ".") == Found{decomposed});
  CHECK(found(list,
              "JOS\xC3\x89 N\xC3\x9A\xC3\x91"
              "EZ") == Found{"JOS\xC3\x89 N\xC3\x9A\xC3\x91"
                             "EZ"});
  CHECK(found(list, "O’Brien and O'Brien") == Found{"O’Brien", "O'Brien"});
  CHECK(found(list, "Ваня и ВАНЯ, ваня") == Found{"Ваня", "ВАНЯ"});
  CHECK(found(list,
              "O\xC2\xAD’Bri\xE2\x80\x8B"
              "en")
            .size() == 1);  // a soft hyphen and a space without width
}

TEST_CASE("Korean names with particles and forms of address", "[pii][lists]") {
  const TermList list({"김철수", "이영", "서울특별시 강남구"});
  for (const std::string behind : {"", "는", "가", "에게는", "씨", "씨가", "선생님께서는", "입니다", "이라고"}) {
    CHECK(found(list, "어제 김철수" + behind + " 왔다") == Found{"김철수"});
  }
  CHECK(found(list, "김철수산시장").empty());
  CHECK(found(list, "이영화는 재미있다").empty());
  CHECK(found(list, "김철").empty());
  CHECK(found(list, "서울특별시 강남구에서 산다") == Found{"서울특별시 강남구"});
  // Decomposed syllables are the same name.
  CHECK(found(list, "\xE1\x84\x8B\xE1\x85\xB5\xE1\x84\x8B\xE1\x85\xA7\xE1\x86\xBC은").size() == 1);
  CHECK_FALSE(is_particles(U""));
  CHECK(is_particles(U"한테서도"));
}

TEST_CASE("replacements of an earlier pass are no words", "[pii][lists]") {
  const TermList list({"Email", "name", "Smith"});
  CHECK(found(list, "<EMAIL> and <NAME> Smith, <us_ssn>, <NAME") == Found{"Smith", "NAME"});
}

TEST_CASE("bytes that are no text, and long words", "[pii][lists]") {
  const TermList list({"Ann", "가나다"});
  CHECK(found(list,
              "\xFF"
              "Ann\xFF \xEC\x95 Ann") == Found{"Ann", "Ann"});
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "가나";
  CHECK(found(list, text + " Ann " + text) == Found{"Ann"});
  CHECK(found(TermList({"Ann \xCC\x81"}), "Ann").size() == 0);
}

TEST_CASE("a hundred thousand names", "[pii][lists]") {
  std::vector<std::string> names;
  for (int i = 0; i < 100000; ++i) names.push_back("Name" + std::to_string(i) + " Of" + std::to_string(i % 7));
  const TermList list(names);
  CHECK(found(list, "Name99999 Of4 and Name99999 Of5, Name0 Of0.") == Found{"Name99999 Of4", "Name0 Of0"});
}

TEST_CASE("list files: comments, byte order mark, line ends, and what is wrong with them", "[pii][lists]") {
  const test::TemporaryFile file("names.txt",
                                 "\xEF\xBB\xBF"
                                 "Ann\r\n# a comment\n\n  Bob  \n");
  CHECK(found(TermList::load({file.path()}), "Ann, Bob, comment") == Found{"Ann", "Bob"});
  const test::TemporaryFile empty("empty.txt", "# nothing\n\n"), broken("broken.txt", "Ann\nJos\xE9\n"),
      marks("marks.txt", "Ann\n---\n");
  CHECK_THROWS_WITH(TermList::load({empty.path()}), ContainsSubstring("no term"));
  CHECK_THROWS_WITH(TermList::load({broken.path()}), ContainsSubstring(":2:"));
  CHECK_THROWS_AS(TermList::load({marks.path()}), DataError);
  CHECK_THROWS_WITH(TermList::load({"/nowhere/names.txt"}), ContainsSubstring("cannot read"));
}
