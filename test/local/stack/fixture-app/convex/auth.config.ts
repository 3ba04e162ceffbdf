export default {
  providers: [{ domain: process.env.FIXTURE_ISSUER, applicationID: "fixture" }],
};
