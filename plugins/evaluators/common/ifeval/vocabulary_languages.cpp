// Frequent words of the languages that share a script, and the letters that only they use. See vocabulary.h.
#include <string>

#include "unicode.h"
#include "vocabulary.h"

namespace temper::instruction_following {

const std::vector<LanguageWords>& latin_languages() {
  // "us" is left out: in lower case it is also the country, in every language.
  static const std::string kEnglish = [] {
    std::string all = "i s t d don won re ve ll isn aren wasn didn doesn couldn wouldn im";
    for (const auto& word : split(std::string(english_function_words()), " ")) {
      if (word != "us") all += " " + word;
    }
    return all;
  }();
  static const std::vector<LanguageWords> kLanguages = {
      {"en", kEnglish, "", "ght ing ould tics ful ness ship ally ious able ed ction wn", english_content_words()},
      {"af",
       "die en van in is nie wat het om te vir met dat sy hy ons hulle sal kan was word deur ook aan op of by as maar ek "
       "jy haar hul elke mens reg hierdie geen daar wees alle enige het nie wees so sonder onder sulke enigiets vryheid",
       "", "lik heid"},
      {"ca",
       "el la els les i de del dels en un una que per amb no és són al als com més però aquest aquesta o a ha han seva "
       "seu té tot tots tota persona dret qualsevol jo tu ell ella nosaltres també quan on molt bé sense",
       "", "ció itat aments"},
      {"cs",
       "a i v ve na je se že s z do k o pro jako ale by jsem jsi jsou byl byla bylo být to ten ta které který která nebo "
       "má není po při každý právo jeho své co tak už jen si mi ty já od za podle kde když také všechny",
       "řěů", "ost ých ého ní"},
      {"cy",
       "y yr a ac yn i o ar mae ei eu gan am wedi oedd bod fod nid sydd hyn neu pob pawb hawl dros drwy trwy rhwng fel "
       "na ni fi ti chi nhw dyn wrth heb unrhyw byd",
       "ŵŷ"},
      {"da",
       "og i at det er en et den til på af for med der som de ikke har jeg du han hun vi kan var om sig eller men fra skal "
       "vil hvad når efter blev bliver blive enhver ret ved meget nogen være også sin hans sine alle mod dette denne uden "
       "mellem noget intet sit gennem under hvor hvis",
       "", "hed ning lige ede erne"},
      {"de",
       "der die das und ist in zu den von mit nicht ein eine einer eines einem einen für auf dem des sich auch es an als "
       "wie aus bei nach sie er wir ich du ihr uns sind war wird werden hat haben kann wenn oder aber nur noch so zum "
       "zur über durch jeder recht seine seiner ihre unsere dass sein mehr sehr hier gab etwa im am bis vom beim wurde "
       "wurden konnte jahr gegenüber hingegen kein keine mein dein leicht dem diese dieser sollte müssen etwas einige doch "
       "dann da was wer wo",
       "ß", "ung heit keit lich isch schaft ungen igen"},
      {"es",
       "el la los las de del y en que un una es no por con para se su sus al como más pero lo le les o ha han son fue ser "
       "este esta esto yo tú él ella nosotros muy también cuando donde sin sobre todo todos toda persona tiene derecho "
       "hay entre porque mi tu si ya les fue era está están puede uno mis nada solo desde hasta cada",
       "ñ¿¡", "ción idad iendo ando mente adas ados"},
      {"et",
       "ja on ei see et ta ma sa me nad oma kui ka mis kes või ning aga siis seda selle tema oli olema ole olla kõik igal "
       "õigus inimene inimesel väga nii kuid ainult pole iga võib peab tuleb üks mitte",
       "", "tud mine dega alt"},
      {"fi",
       "ja on ei se että hän oli ovat olla ole joka jotka mutta kun niin kuin tai myös sen mitä minä sinä me te he tämä "
       "tämän "
       "hänen jos vain nyt sitä siitä jokaisella oikeus kaikki voi ovat en mukaan jossa hyvin sekä kanssa tulee saa "
       "heidän joita hänellä meidän voit kuten joten",
       "", "ssa ssä sta stä nen lla llä ista oita"},
      {"fr",
       "le la les de des du et en un une est que qui dans pour pas par sur au aux avec ce cette ces il elle ils elles nous "
       "vous je tu on ne se sa son ses leur leurs plus ou mais comme sont être a ont été si tout tous toute sans droit "
       "l d qu n c j s à où très bien fait leur cela y même aussi fait été deux peut m",
       "œêçè", "eux aient ement eur euse elle ité ère"},
      {"hr",
       "i u je na se da za od su s a o kao ali koji koja koje što biti bio bila to ne sam si smo ste iz ili do po prema "
       "svaki svatko pravo njegov ima može nije kako te će bi samo već ga mu ih u bez među kroz svih sva sve prava osobe "
       "osoba slobode",
       "đ", "ost ih nje stvo"},
      {"hu",
       "a az és hogy nem egy is van volt de ha meg már csak mint ez azt ezt vagy el ki be fel minden aki ami amely kell "
       "lehet joga jog személynek magyar nagyon még én te ő mi ti ők lesz való által után között",
       "őű", "ság ség nak nek ban ben"},
      {"id",
       "yang dan di dari untuk dengan pada dalam ini itu adalah tidak akan ke oleh sebagai juga atau karena ada bisa dapat "
       "saya anda kami kita mereka dia setiap orang hak telah sudah lebih seperti tersebut bagi serta secara harus "
       "atas tentang namun saat para",
       "", "nya kan"},
      {"it",
       "il lo la i gli le di del della dei delle e in un una è che non per con si da dal al alla come più ma sono ha anche "
       "o se questo questa nel nella suo sua sul sulla ed io tu lui lei noi voi loro essere stato tutti ogni individuo "
       "diritto molto quando dove cosa chi nave mare sogno notte ho hai abbiamo cui ogni lo quella quello può della perché "
       "poi stata mio mia una",
       "", "zione zioni ezza aggio ità tà"},
      {"lt",
       "ir yra į kad su iš tai kaip ne bet jo jos jų buvo būti ar už apie per nuo iki kuris kuri kurie turi teisę "
       "kiekvienas žmogus aš tu jis ji mes jūs jie tik dar labai taip visi savo arba o dėl prie pagal",
       "ėįųę", "umas ymas imas"},
      {"lv",
       "un ir ka uz no ar par kas tas tā bet nav to kā arī viņš viņa es tu mēs jūs ikviens ikvienam cilvēkam tiesības "
       "vai pie pēc jo lai tiek bija būt savu visi katram ļoti tikai ne pret līdz",
       "āēīļķņģ", "šanu ību ības"},
      {"nl",
       "de het een en van in is dat op te zijn met voor niet aan er die om ook als bij maar naar dan wat hij zij wij ik je "
       "jij u hebben heeft had kan zal worden wordt werd door over uit nog of geen deze dit ieder een recht haar hun "
       "ons onze meer zeer alle tot waar nu al kunnen wat toch mijn zelf alle hij geen eens tussen",
       "", "lijk heid ijk ijke ingen"},
      {"no",
       "og i at det er en et den til på av for med der som de ikke har jeg du han hun vi kan var om seg eller men fra skal "
       "vil hva når etter ble blir bli enhver rett ved mye noen være også sin hans sine alle mot dette fordi etter "
       "mellom hvor ingen denne uten mellom noe sitt gjennom under hvor hvis alle",
       "", "het ning lige ene"},
      {"pl",
       "i w z na się nie do to że jest o jak ale od za po co tak dla przez są był była było być który która które lub oraz "
       "ma każdy człowiek prawo jego jej ich tym tego ten ta już tylko mi my wy on ona czy może bardzo przy",
       "łżęąś", "ość ych ego ami"},
      {"pt",
       "o a os as de do da dos das e em no na nos nas um uma que é não por para com se seu sua seus suas ao como mais mas "
       "ou foi ser são tem este esta isso eu tu você ele ela nós eles muito também quando onde sem sobre todo todos "
       "toda pessoa direito pelo pela há entre à às está estão pode seus meu minha isso até desde cada já só são",
       "ãõ", "ção dade ções mente endo"},
      {"ro",
       "și în de la cu pe nu este un o că din care pentru mai sau dar fi se au sunt ce al ale lui ei lor prin orice "
       "persoană are dreptul dreptului după fără eu tu el ea noi voi foarte când unde toate sa său către fost într",
       "ășțţ", "ului ilor ție ții"},
      {"sk",
       "a i v vo na je sa že s z do k o pre ako ale by som si sú bol bola bolo byť to ten tá ktoré ktorý ktorá alebo má nie "
       "po pri každý právo jeho svoje čo tak už len mi ty ja od za podľa kde keď tiež všetky všetci",
       "ľĺŕô", "osť ých ého ní"},
      {"sl",
       "in v je na se da za od so s z ki kot ali pa biti bil bila to ne sem si smo ste iz do po pri vsak vsakdo pravico "
       "njegov ima lahko ni kako te bo bi samo že ga mu jih ter tudi zaradi brez med skozi vseh vsa vse pravice oseba osebe "
       "svobode sme nihče",
       "", "ost ih nje stvo"},
      {"so",
       "iyo waa oo ka ku in uu ay la ah u si aan ama ee kale lahaa leeyahay qof kasta xaq loo lagu waxaa waxay isaga iyada "
       "wuxuu ma laga leh inuu soo markii sida dadka",
       ""},
      {"sq",
       "e të në dhe është për me që nga një i së si nuk ka u do por më edhe ose kjo ky janë ishte çdo njeri njeriu drejtë "
       "drejtën gjithë tij saj tyre unë ti ai ajo ne ju ata duke kur ku shumë sipas",
       "ë", "shme isht"},
      {"sv",
       "och i att det är en ett den till på av för med som de inte har jag du han hon vi kan var om sig eller men från ska "
       "skall vill vad när efter blev blir bli var och rätt vid mycket någon vara också sin hans sina alla mot detta detta "
       "denna utan mellan någon inget sitt genom under",
       "", "het ning ligt ade orna"},
      {"sw",
       "na ya wa kwa ni katika za la cha vya kama hii huo hiyo au lakini kuwa kila mtu haki yake wake zake ana una nina "
       "hakuna si pia ili kwamba watu mimi wewe yeye sisi wao bila sana hivyo baada kabla yangu wangu nini sababu kuna "
       "unahitaji ambayo ambao",
       ""},
      {"tl",
       "ang ng sa na mga ay at ni si ito para hindi may kung ako ka siya kami tayo sila ko mo niya namin nila o bawat tao "
       "karapatan lahat din rin pa lamang upang dahil ngunit nang kanyang isang isa walang sinuman",
       ""},
      {"tr",
       "ve bir bu da de için ile olarak ne o çok daha en gibi ama her ya veya olan değil var mi ben sen biz siz onlar kadar "
       "sonra herkes hakkı hakkına şahıs ki ise kendi tarafından bütün göre",
       "ğı", "ları leri mak mek lar ler ını ine"},
      {"vi",
       "là và của có không một được cho trong người các với này những để khi đã về ở từ như cũng ra tôi bạn anh chị ông bà "
       "chúng ta họ rằng mọi quyền hay hoặc thì sẽ đang năm vào nhiều con làm",
       "ơưđạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"},
  };
  return kLanguages;
}

const std::vector<LanguageWords>& cyrillic_languages() {
  static const std::vector<LanguageWords> kLanguages = {
      {"bg",
       "и на за в да се от с е са не по до че като които който която но или има този тази това го ги му си ще бъде беше "
       "всеки човек право при само също през към без много аз ти той тя ние вие те толкова година",
       "ъ"},
      {"mk",
       "и на за во да се од со е не по до дека како кои кој која но или има овој оваа ова го ги му ќе биде беше секој "
       "човек право при само исто преку кон без многу јас ти тој таа ние вие тие сите",
       "јѓќѕљњџ"},
      {"ru",
       "и в на не что с по как это к из у за от то все его но они мы вы я он она был была было быть для или если так же бы "
       "который которые каждый человек имеет право при уже только очень можно есть о до когда где нет их",
       "ыэё"},
      {"uk",
       "і в на не що з по як це до із у за від та все його але вони ми ви я він вона був була було бути для або якщо так "
       "же б який які кожна людина має право при вже тільки дуже можна є про коли де немає їх",
       "іїєґ"},
  };
  return kLanguages;
}

const std::vector<LanguageWords>& arabic_languages() {
  static const std::vector<LanguageWords> kLanguages = {
      {"ar", "في من على إلى أن هذا هذه التي الذي لا ما كان كل أو عن مع لم قد هو هي بين بعد حق شخص وفي ومن إن ذلك غير لكل",
       "ةيكىأإ"},
      {"fa",
       "و در به از که این است را با برای آن هر های می یک خود تا یا کس حق بر دارد شود باشد هم اما ما او شما من نیست بود",
       "پچژگیک"},
      {"ur", "کے کی میں ہے اور سے کو کا پر یہ نہیں ہیں اس نے کہ جو ہر شخص حق ایک وہ بھی تھا کر لیے ان کیا اپنے آپ ہو یا",
       "ٹڈڑںےہھگچیک"},
  };
  return kLanguages;
}

const std::vector<LanguageWords>& devanagari_languages() {
  static const std::vector<LanguageWords> kLanguages = {
      {"hi",
       "है हैं के में और का की को से पर ने नहीं यह वह एक भी कि जो तो ही था थे थी हो कर लिए इस उस अपने आप हम मैं किया गया "
       "प्रत्येक व्यक्ति अधिकार या होता सकता सकते फिर लोग कभी बनाओ",
       ""},
      {"mr",
       "आहे आहेत आणि च्या या व हे ही तो ती ते नाही एक मध्ये साठी पण की तर मी आपल्या त्या त्याच्या केले केली होते होता किंवा "
       "प्रत्येक व्यक्तीला अधिकार असे करून सर्व कोणत्याही झाली झाले ला",
       "ळ"},
      {"ne",
       "छ छन् र को मा ले गर्न गर्ने हो पनि यो त्यो एक भने लागि हुन हुन्छ हरु हरू तथा वा प्रत्येक व्यक्तिलाई अधिकार छैन उनी म तपाईं "
       "हामी गरेको भएको गर्नुहोस् बाट दिन बिहान यस आफ्नो कुनै",
       ""},
  };
  return kLanguages;
}

}  // namespace temper::instruction_following
