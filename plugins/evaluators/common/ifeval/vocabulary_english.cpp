// English: abbreviations, and ordinary words written in lower case inside a sentence. See vocabulary.h.
#include <string>

#include "unicode.h"
#include "vocabulary.h"

namespace temper::instruction_following {
namespace {

std::unordered_set<std::string> set_of(const std::string& list) {
  const auto items = split(list, " ");
  return {items.begin(), items.end()};
}

// Fewer than a reader knows: the published checker ends a sentence after "e.g." and "Gov.", and this list goes by what it
// does. Single letters are its middle initials.
constexpr const char* kAbbreviations =
    "mr mrs ms dr prof st jr sr messrs sen rep gen col lt adm maj inc co corp ltd bros cos jan feb aug sep sept oct nov dec "
    "u.s u.k u.n u.s.a d.c n.y l.a n.j n.c s.c n.h a.m p.m a.d ph.d vs v ave ft ala ariz calif colo conn fla ga kan ky mich "
    "minn nev okla tenn va vt wis "
    "c d e f g h k l m n p r s t v w";

constexpr const char* kFunctionWords =
    "the a an and or but nor so yet for of to in on at by from with without within into onto upon over under above below "
    "between among through during before after since until while because although though if unless whether when whenever "
    "where wherever why how what which who whom whose that this these those there here then than as like about against "
    "across along around behind beside besides beyond despite down inside near off out outside past toward towards up via "
    "he she it we they you me him her us them my your his its our their mine yours ours theirs myself yourself himself "
    "herself itself ourselves themselves one ones someone somebody something anyone anybody anything everyone everybody "
    "everything nobody nothing none each every either neither both all any some many much more most few fewer little less "
    "least several other others another such same own is am are was were be been being do does did done doing have has had "
    "having can could will would shall should may might must ought let lets not no yes never ever always often sometimes "
    "usually rarely seldom again also too very quite rather just only even still already soon now today tomorrow yesterday "
    "however therefore thus hence moreover furthermore nevertheless nonetheless meanwhile instead otherwise indeed perhaps "
    "maybe finally lastly firstly secondly additionally similarly likewise overall eventually consequently accordingly "
    "first second third next last once twice two three four five six seven eight nine ten hundred thousand million";

constexpr const char* kContentWords =
    "good better best bad worse worst new old young great big small large long short high low right left early late "
    "important different similar possible easy hard simple clear sure true false real full empty free open close near far "
    "happy sad nice kind strong weak hot cold warm cool fast slow quick bright dark deep light heavy soft loud quiet rich "
    "poor clean dirty safe dangerous beautiful ugly wonderful amazing perfect special public private local national "
    "say says said tell tells told ask asked answer speak talk think thought know knew known believe feel felt see saw seen "
    "look looked watch hear heard find found get got gets give gave given take took taken make made makes come came comes "
    "go went gone goes going keep kept put set leave left stay start started begin began begun end ended stop stopped help "
    "helped need needed want wanted wish try tried use used using work worked works play played run ran walk walked move "
    "moved turn turned live lived love loved hate bring brought buy bought sell sold pay paid read write wrote written "
    "learn learned teach taught show showed shown become became grow grew grown build built create created change changed "
    "call called include includes including follow following provide provides ensure consider remember note please thank "
    "thanks hope welcome join enjoy visit discover explore offer offers increase reduce improve develop support allow "
    "time times year years month months week weeks day days hour hours minute minutes morning afternoon evening night "
    "people person man men woman women child children boy girl friend friends family mother father parents brother sister "
    "son daughter wife husband baby world life country state city town village street road house home room door window "
    "school student students teacher class book books story page word words letter letters line lines name number part "
    "place places way ways thing things idea ideas fact facts question questions problem problems answer answers reason "
    "result results example examples case point group company business market money price cost job office team member "
    "service product products customer customers system program project plan process information data computer code "
    "software technology science research study history art music song game games sport film movie food water air fire "
    "earth sun moon star stars sky sea ocean river mountain forest tree trees flower flowers animal animals dog cat bird "
    "fish horse body head face eye eyes hand hands heart mind voice soul dream dreams health power energy force law "
    "government president war peace death age area amount level form type kind order rule rules step steps list item "
    "section title summary introduction conclusion paragraph sentence essay letter poem email message response hello hey hi "
    "dear sincerely regards everyone goodbye white black red green blue yellow brown gold silver "
    "ancient modern common general social political economic human natural digital personal final main major minor "
    "career interview resume experience skills position manager application candidate opportunity education degree "
    "university college community development management design quality value growth success future present goal goals "
    "travel trip flight hotel restaurant beach island park museum tour guide ticket car bus train plane "
    "breakfast lunch dinner recipe ingredients sugar salt oil butter bread cheese meat chicken rice fruit vegetable "
    "picture image photo video camera phone television internet website online social media post tweet blog article news "
    "analysis method theory model test value function variable table figure report review version feature features";

}  // namespace

const std::unordered_set<std::string>& abbreviations() {
  static const auto kSet = set_of(kAbbreviations);
  return kSet;
}

const std::unordered_set<std::string>& function_words() {
  static const auto kSet = set_of(kFunctionWords);
  return kSet;
}

const std::unordered_set<std::string>& ordinary_words() {
  static const auto kSet = set_of(std::string(kFunctionWords) + " " + kContentWords);
  return kSet;
}

std::string_view english_function_words() { return kFunctionWords; }
std::string_view english_content_words() { return kContentWords; }

}  // namespace temper::instruction_following
